import { join } from 'node:path';
import type { CloneMachine } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readJournal, removeJournal, type Journal } from '../../store/journal.ts';
import { bundleExtension } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import type { RequestTime } from '../running/launch.ts';
import { waitFor } from '../running/wait.ts';
import { discardClone } from './discard.ts';
import { giveIdentity } from './identity.ts';
import { instantClone, keepClone } from './instant-clone.ts';
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
  /** Whether there is somebody in the guest to talk to. */
  readonly hasAgent: boolean;
}

/** Runs `work` for a clone while nobody else does anything with it. */
async function aloneWith<T>(host: Host, name: string, work: () => Promise<T>): Promise<T> {
  const key = join(host.names.machines, `${name}${bundleExtension}`, `${name}.vmx`);
  return await host.operations.exclusive({ key, machine: name, verb: 'clone' }, work);
}

/** Why a clone is gone again. What waiting says of a machine that goes on running does not hold for it. */
function removedAgain(name: string, error: unknown): unknown {
  if (!(error instanceof KameError)) return error;
  const { code, message, details } = error;
  if (code === 'CANCELLED') return new KameError(code, `The clone ${name} was cancelled.`, { cause: error });
  return new KameError(code, `The clone ${name} is removed again. ${message}`, {
    next: '--wait none hands clones out without waiting for their guest agents.',
    details,
    cause: error,
  });
}

/** One instant clone, up to its agent's first reply. */
export async function startClone(
  host: Host,
  name: string,
  start: CloneStart,
  progress: Progress,
): Promise<StartedClone> {
  const { source, template, body, requested, hasAgent } = start;
  const keepIdentity = body.keepIdentity;
  return await aloneWith(host, name, async () => {
    const machine = await instantClone(host, source, template, { name, keepIdentity }, requested, progress);
    if (!hasAgent || body.wait === 'none') return { machine, agentMs: null };
    try {
      await waitFor(host, machine, 'agent', body.timeoutMs, progress);
    } catch (error) {
      await discardClone(host, await host.bundles.read(machine.names.vmx));
      throw removedAgain(name, error);
    }
    return { machine, agentMs: performance.now() - requested.clock };
  });
}

/** Makes the guest of a clone one of its own, and the clone one that stays. Returns what is odd. */
export async function finishClone(
  host: Host,
  { machine, agentMs }: StartedClone,
  progress: Progress,
): Promise<string[]> {
  return await aloneWith(host, machine.name, async () => {
    const { identity } = await cloneOperation(machine);
    const changes = agentMs !== null && identity !== null;
    const notes = changes ? await giveIdentity(host, machine, identity, progress.signal) : [];
    await keep(host, machine);
    return notes;
  });
}

/** The clone is one's own from here on: it is on the disk, and no kill takes it away. */
async function keep(host: Host, machine: Running): Promise<void> {
  await keepClone(await host.bundles.read(machine.names.vmx));
  await removeJournal(machine.names);
}

/** What is being done to a clone that was not handed out yet. */
async function cloneOperation({ name, names }: Running): Promise<Extract<Journal, { kind: 'clone' }>> {
  const journal = await readJournal(names);
  if (journal?.kind === 'clone') return journal;
  throw new KameError('INTERNAL', `The clone ${name} is handed out already.`);
}
