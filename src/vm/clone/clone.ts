import type { ClonedMachines, CloneMachine } from '../../api/checkpoint.ts';
import type { Machine } from '../../api/machine.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { depthOf } from '../../disk/chain.ts';
import { checkMachineName } from '../../model/name.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { findBundle, refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { settle } from '../host/settle.ts';
import { diskChains } from '../layers/chains.ts';
import { consolidate } from '../layers/recover-tidy.ts';
import { powerOn, started } from '../power/start.ts';
import { summary } from '../running/describe.ts';
import type { RequestTime } from '../running/launch.ts';
import { coldClone, coldState, linkableState } from './cold-clone.ts';
import { discardClone } from './discard.ts';
import { startClone, finishClone } from './start-clone.ts';
import { removeTemplate, takeTemplate, type CloneSource } from './template.ts';

/** Layers of a disk from which on those that nobody needs are merged before the next instant clone adds one. */
const deepLayers = 32;
/** Clones that start at once: more only wait for each other. */
const atOnce = 4;

/** `NEW` for one clone, `NEW-1` … `NEW-N` for several. */
function namesOf({ name, count }: CloneMachine): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, at) => `${name}-${at + 1}`);
}

/** Runs `work` for each, some at once; the results in order, or the first error once all have ended. */
async function eachOf<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      const [result] = await Promise.allSettled([work(items[at] as T)]);
      results[at] = result;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

function firstFailure(results: readonly PromiseSettledResult<unknown>[]): Error | undefined {
  const reason: unknown = results.find((result) => result.status === 'rejected')?.reason;
  return reason === undefined || reason instanceof Error ? reason : new Error(messageOf(reason));
}

function emitCreated(host: Host, machine: Machine, source: Bundle): void {
  host.events.emit({
    type: 'machine.created',
    machine: machine.name,
    id: machine.id,
    state: machine.state,
    message: `${machine.name} was cloned from ${source.name}.`,
  });
}

async function coldClones(
  host: Host,
  bundle: Bundle,
  body: CloneMachine,
  progress: Progress,
): Promise<ClonedMachines> {
  const kind = body.kind === 'linked' ? 'linked' : 'full';
  const first = await coldState(host, bundle, body);
  const { bundle: source, state } =
    kind === 'linked' ? await linkableState(host, bundle, first, progress) : { bundle, state: first };
  const machines: Machine[] = [];
  const agentMs: (number | null)[] = [];
  for (const name of namesOf(body)) {
    const startMs = performance.now();
    const options = { name, kind, keepIdentity: body.keepIdentity } as const;
    const vmx = await coldClone(host, source, state, options, progress);
    await host.inventory.register(vmx);
    const clone = await host.bundles.read(vmx);
    if (body.start) {
      const running = await powerOn(host, clone, progress);
      await started(host, running, body, progress);
      agentMs.push(running.agentAnswers ? performance.now() - startMs : null);
    } else {
      agentMs.push(null);
    }
    const machine = await summary(host, clone);
    emitCreated(host, machine, source);
    machines.push(machine);
  }
  return { machines, stoppedMs: null, agentMs, notes: [...state.notes] };
}

/** Every instant clone leaves a layer beneath its source; those of clones that are gone are merged now and then. */
async function withShortChains(host: Host, found: Bundle, progress: Progress): Promise<CloneSource> {
  const chainsOf = async (bundle: Bundle) =>
    await diskChains(host, bundle, contentOf(bundle).model, { tables: false });
  const chains = await chainsOf(found);
  if ([...chains.values()].every((top) => depthOf(top) < deepLayers)) return { bundle: found, chains };
  progress.report({ stage: `Merging layers of ${found.name}` });
  const bundle = await consolidate(host, found);
  return { bundle, chains: await chainsOf(bundle) };
}

/** Takes back the layer that a source got for clones that are gone again. What fails here is done by the next command. */
async function restoreSource(host: Host, source: Bundle): Promise<void> {
  try {
    await consolidate(host, await settle(host, source, { failed: true }));
  } catch (error) {
    host.log('The layer of failed clones stays for now', { machine: source.name, reason: messageOf(error) });
  }
}

async function instantClones(
  host: Host,
  found: Bundle,
  body: CloneMachine,
  requested: RequestTime,
  progress: Progress,
): Promise<ClonedMachines> {
  const running = host.running.get(found.names.vmx);
  if (running?.state !== 'running') {
    throw new KameError(
      'WRONG_STATE',
      `${found.name} is not running; an instant clone is a copy of a running machine.`,
      {
        next: `kame start ${found.name} or kame unpause ${found.name} first; --linked clones a stopped machine.`,
        details: { machine: found.name },
      },
    );
  }
  if (body.snapshot !== undefined) {
    throw new KameError('USAGE', 'An instant clone copies what runs now, not a snapshot.', {
      next: 'Leave --snapshot out, or make a linked or full clone of it.',
    });
  }
  const source = await withShortChains(host, found, progress);
  const { bundle } = source;
  const hasAgent = running.agentAnswers;
  const notes = hasAgent
    ? []
    : [`${bundle.name} has no guest agent, so the guests of its clones keep its names, addresses and clock.`];
  progress.report({ stage: `Copying ${bundle.name} while it runs` });
  const template = await takeTemplate(host, source, running, progress);
  const start = { source: bundle, template, body, requested, hasAgent };
  const names = namesOf(body);
  const count = counter(progress, names.length);
  try {
    const results = await eachOf(
      names,
      async (name) => await count('Starting clones', startClone(host, name, start, progress)),
    );
    const born = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const recorded = await Promise.allSettled([template.frozen, template.recorded]);
    // Only now: what each guest does for it would keep the others from starting.
    const released =
      firstFailure([...results, ...recorded]) === undefined
        ? await eachOf(
            born,
            async (one) => await count('Giving clones their own identity', finishClone(host, one, progress)),
          )
        : [];
    const failure = firstFailure([...results, ...recorded, ...released]);
    if (failure !== undefined) {
      for (const { machine } of born) await discardClone(host, await host.bundles.read(machine.names.vmx));
      await restoreSource(host, bundle);
      throw failure;
    }
    const machines = await Promise.all(
      born.map(async ({ machine }) => await summary(host, await host.bundles.read(machine.names.vmx))),
    );
    for (const machine of machines) emitCreated(host, machine, bundle);
    return {
      machines,
      stoppedMs: await template.frozen,
      agentMs: born.map(({ agentMs }) => agentMs),
      notes: [...notes, ...released.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))],
    };
  } finally {
    await removeTemplate(template.files);
  }
}

/** Tells how many of all are done with each stage. */
function counter(progress: Progress, total: number): <T>(stage: string, work: Promise<T>) => Promise<T> {
  const done = new Map<string, number>();
  return async (stage, work) => {
    const result = await work;
    done.set(stage, (done.get(stage) ?? 0) + 1);
    progress.report({ stage, done: done.get(stage) ?? 0, total, unit: 'items' });
    return result;
  };
}

/**
 * Clones a machine, once or many times: full (own disks), linked (disks that build on a snapshot of the source) or
 * instant (a running copy of a running machine). All clones come to be, or, of an instant clone, none.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, WRONG_STATE, NO_SUCH_SNAPSHOT, CHECKPOINT_BLOCKED, DISK_FULL, CANCELLED
 */
export async function clone(
  host: Host,
  reference: string,
  body: CloneMachine,
  progress: Progress,
): Promise<ClonedMachines> {
  const requested = { at: new Date(), clock: performance.now() };
  const found = await findBundle(host, reference);
  for (const name of namesOf(body)) {
    checkMachineName(name);
    await refuseTakenName(host, name);
  }
  return await hold(host, found, 'clone', async ({ bundle }) => {
    contentOf(bundle);
    if (body.kind === 'instant') return await instantClones(host, bundle, body, requested, progress);
    return await coldClones(host, bundle, body, progress);
  });
}
