import { join } from 'node:path';
import type { CloneMachine } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readJournal, removeJournal, type Journal } from '../../store/journal.ts';
import { bundleExtension } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import type { NewClone, Running } from '../host/running.ts';
import type { RequestTime } from '../running/launch.ts';
import { waitFor } from '../running/wait.ts';
import { discardClone } from './discard.ts';
import { giveIdentity } from './identity.ts';
import { instantClone, syncClone } from './instant-clone.ts';
import type { Template } from './template.ts';

export interface StartedClone {
  readonly machine: Running;
  readonly agentMs: number | null;
}

export interface CloneStart {
  readonly source: Bundle;
  readonly template: Template;
  readonly body: Pick<CloneMachine, 'keepIdentity' | 'wait' | 'timeoutMs'>;
  readonly requested: RequestTime;
  /** Whether the guest agent of the source answers. */
  readonly hasAgent: boolean;
  readonly newClone: NewClone;
}

/** Runs `work` while no other operation can use the clone. */
async function exclusively<T>(host: Host, name: string, work: () => Promise<T>): Promise<T> {
  const key = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  return await host.operations.exclusive({ key, machine: name, verb: 'clone' }, work);
}

/** The error of a clone that was discarded. The advice of a failed wait assumes that the machine still runs, so it is replaced. */
function cloneFailure(name: string, error: unknown): unknown {
  if (!(error instanceof KameError)) return error;
  const { code, message, details } = error;
  if (code === 'CANCELLED')
    return new KameError(code, `Creating the clone ${name} was cancelled.`, { cause: error });
  return new KameError(code, `The clone ${name} failed and was deleted. ${message}`, {
    next: 'Use --wait none to create clones without waiting for their guest agents.',
    details,
    cause: error,
  });
}

/** Creates one instant clone and waits for its agent's first reply. */
export async function startClone(
  host: Host,
  name: string,
  start: CloneStart,
  progress: Progress,
): Promise<StartedClone> {
  const { source, template, body, requested, hasAgent, newClone } = start;
  const work = { name, keepIdentity: body.keepIdentity, newClone };
  return await exclusively(host, name, async () => {
    const machine = await instantClone(host, source, template, work, requested, progress);
    if (!hasAgent || body.wait === 'none') return { machine, agentMs: null };
    try {
      await waitFor(host, machine, 'agent', body.timeoutMs, progress);
    } catch (error) {
      await discardClone(host, await host.bundles.read(machine.names.vmx));
      throw cloneFailure(name, error);
    }
    return { machine, agentMs: performance.now() - requested.clock };
  });
}

/**
 * Gives a clone an identity of its own and makes it permanent.
 * @param others whether other clones get theirs too, so that the caller then calls `askForAddresses`
 * @returns notes on what failed
 */
export async function finishClone(
  host: Host,
  { machine, agentMs }: StartedClone,
  others: boolean,
  progress: Progress,
): Promise<string[]> {
  return await exclusively(host, machine.name, async () => {
    const { identity } = await cloneJournal(host, machine);
    const changes = agentMs !== null && identity !== null;
    const notes = changes
      ? await giveIdentity(host, machine, identity, { signal: progress.signal, others })
      : [];
    await keep(host, machine);
    return notes;
  });
}

/** Makes a clone permanent: it is on disk, and recovery no longer discards it. */
async function keep(host: Host, machine: Running): Promise<void> {
  await syncClone(await host.bundles.read(machine.names.vmx));
  await removeJournal(host.names, machine.names);
}

/** The journal of a clone that is not permanent yet. */
async function cloneJournal(
  host: Host,
  { name, names }: Running,
): Promise<Extract<Journal, { kind: 'clone' }>> {
  const journal = await readJournal(host.names, names);
  if (journal?.kind === 'clone') return journal;
  throw new KameError('INTERNAL', `The clone ${name} is already permanent.`);
}
