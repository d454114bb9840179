import { availableParallelism } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { ClonedMachines, CloneMachine } from '../../api/checkpoint.ts';
import type { Machine } from '../../api/machine.ts';
import { deferred } from '../../core/deferred.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { depthOf } from '../../disk/chain.ts';
import { checkMachineName, plainName } from '../../model/name.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { realPathSync } from '../../sys/home.ts';
import { findBundle, refuseTakenName } from '../host/find.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { requireAgreed } from '../host/outside-files.ts';
import { settle } from '../host/settle.ts';
import { cannot } from '../host/verbs.ts';
import { diskChains } from '../layers/chains.ts';
import { consolidate } from '../layers/recover-tidy.ts';
import { powerOn, started } from '../power/start.ts';
import { summary } from '../running/describe.ts';
import type { RequestTime } from '../running/launch.ts';
import { waitFor } from '../running/wait.ts';
import { coldClone, coldState, linkableState } from './cold-clone.ts';
import { discardClone } from './discard.ts';
import { askForAddresses } from './identity.ts';
import { startClone, finishClone } from './start-clone.ts';
import { removeTemplate, takeTemplate, type CloneSource } from './template.ts';

/** Above this number of layers, unneeded ones are merged before the next instant clone adds another. */
const deepLayers = 32;
/** Clones that are worked on at the same time: each keeps a processor busy, and more would only be in each other's way. */
const maxConcurrency = Math.min(4, Math.max(2, availableParallelism()));

/** `NEW` for one clone, `NEW-1` … `NEW-N` for several. */
function namesOf({ name, count }: CloneMachine): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, at) => `${name}-${at + 1}`);
}

/** Where the only clone goes. @throws KameError USAGE when there are several, or it is instant */
function placeOf({ path, kind, count }: CloneMachine): string | undefined {
  if (path === undefined) return undefined;
  if (count > 1 || kind === 'instant' || !isAbsolute(path))
    throw new KameError('USAGE', 'Only one full or linked clone can have a path, which must be absolute.');
  return join(realPathSync(dirname(path)), basename(path));
}

/** Runs `work` for every item with limited concurrency. Returns the results in order when all have settled. */
async function mapSettled<T, R>(
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
  await Promise.all(Array.from({ length: Math.min(maxConcurrency, items.length) }, worker));
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
  await requireAgreed(host, source, contentOf(state.config).model);
  const machines: Machine[] = [];
  const agentMs: (number | null)[] = [];
  for (const name of namesOf(body)) {
    const startMs = performance.now();
    const options = { name, kind, keepIdentity: body.keepIdentity, vmx: placeOf(body) } as const;
    const vmx = await coldClone(host, source, state, options, progress);
    await host.inventory.register(vmx);
    const clone = await host.bundles.read(vmx);
    if (body.start) {
      const subject = { key: vmx, machine: name, verb: 'start' } as const;
      const running = await host.operations.exclusive(
        subject,
        async () => await powerOn(host, clone, progress),
      );
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

/** Every instant clone adds a layer to its source. Merges those of deleted clones when a chain has become long. */
async function withShortChains(host: Host, found: Bundle, progress: Progress): Promise<CloneSource> {
  const chainsOf = async (bundle: Bundle) =>
    await diskChains(host, bundle, contentOf(bundle).model, { tables: false });
  const chains = await chainsOf(found);
  if ([...chains.values()].every((top) => depthOf(top) < deepLayers)) return { bundle: found, chains };
  progress.report({ stage: `Merging layers of ${found.name}` });
  const bundle = await consolidate(host, found);
  return { bundle, chains: await chainsOf(bundle) };
}

/** Removes the layer that a source got for clones that failed. If this fails, the next command repeats it. */
async function restoreSource(host: Host, source: Bundle): Promise<void> {
  try {
    await consolidate(host, await settle(host, source, { failed: true }));
  } catch (error) {
    host.log('Could not remove the layer of failed clones yet', {
      machine: source.name,
      reason: messageOf(error),
    });
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
      `${cannot('clone', found.name)}: an instant clone needs a running machine, and ${found.name} is not running.`,
      {
        next: `Run kame start ${found.name} or kame unpause ${found.name} first, or clone the stopped machine with --linked.`,
        details: { machine: found.name },
      },
    );
  }
  if (body.snapshot !== undefined) {
    throw new KameError('USAGE', 'An instant clone copies the running machine, not a snapshot.', {
      next: 'Leave out --snapshot, or create a linked or full clone of the snapshot.',
    });
  }
  const source = await withShortChains(host, found, progress);
  const { bundle } = source;
  const hasAgent = running.agentAnswers;
  const notes = hasAgent
    ? []
    : [
        `The guest agent of ${bundle.name} does not answer, so the guests of its clones keep its names, addresses and clock.`,
      ];
  progress.report({ stage: `Copying ${bundle.name} while it is running` });
  const template = await takeTemplate(host, source, running, progress);
  const given = deferred();
  const sourceAddress = body.keepIdentity ? null : running.ip;
  const newClone = { identityGiven: given.promise, sourceAddress };
  const start = { source: bundle, template, body, requested, hasAgent, newClone };
  const names = namesOf(body);
  const hasSeveral = names.length > 1;
  const count = counter(progress, names.length);
  try {
    const results = await mapSettled(
      names,
      async (name) => await count('Starting clones', startClone(host, name, start, progress)),
    );
    const clones = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const recorded = await Promise.allSettled([template.captured, template.recorded]);
    // Only now, since the work in each guest would delay the start of the others.
    const finished =
      firstFailure([...results, ...recorded]) === undefined
        ? await mapSettled(
            clones,
            async (each) =>
              await count('Giving clones their own identity', finishClone(host, each, hasSeveral, progress)),
          )
        : [];
    const failure = firstFailure([...results, ...recorded, ...finished]);
    if (failure !== undefined) {
      for (const { machine } of clones) await discardClone(host, await host.bundles.read(machine.names.vmx));
      await restoreSource(host, bundle);
      throw failure;
    }
    if (hasSeveral) askForAddresses(host, clones);
    const machines = await Promise.all(
      clones.map(async ({ machine }) => await summary(host, await host.bundles.read(machine.names.vmx))),
    );
    for (const machine of machines) emitCreated(host, machine, bundle);
    return {
      machines,
      stoppedMs: await template.captured,
      agentMs: clones.map(({ agentMs }) => agentMs),
      notes: [...notes, ...finished.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))],
    };
  } finally {
    given.resolve();
    await removeTemplate(template.files);
  }
}

/** Waits until the guests of clones have addresses of their own. @throws KameError GUEST_TIMEOUT, ENGINE_FAILED, CANCELLED; the clones stay */
async function withAddresses(
  host: Host,
  cloned: ClonedMachines,
  timeoutMs: number,
  progress: Progress,
): Promise<ClonedMachines> {
  const running = host.running.all();
  const machines = cloned.machines.map(async (machine) => {
    const clone = running.find(({ name }) => name === machine.name);
    if (!clone) return machine;
    await waitFor(host, clone, 'network', timeoutMs, progress);
    return await summary(host, await host.bundles.read(clone.names.vmx));
  });
  return { ...cloned, machines: await Promise.all(machines) };
}

/** Reports how many of all clones have finished each stage. */
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
 * Clones a machine once or several times: full (independent disks), linked (disks that depend on a snapshot of the source)
 * or instant (a running copy of a running machine). If an instant clone fails, none is created.
 * @throws KameError INVALID_NAME, ALREADY_EXISTS, WRONG_STATE, NO_SUCH_SNAPSHOT, CHECKPOINT_BLOCKED, DISK_FULL, CANCELLED
 */
export async function clone(
  host: Host,
  reference: string,
  asked: CloneMachine,
  progress: Progress,
): Promise<ClonedMachines> {
  const body = { ...asked, name: plainName(asked.name) };
  const requested = { at: new Date(), clock: performance.now() };
  const found = await findBundle(host, reference);
  for (const name of namesOf(body)) {
    checkMachineName(name);
    await refuseTakenName(host, name);
  }
  placeOf(body);
  const cloned = await hold(host, found, 'clone', async ({ bundle }) => {
    contentOf(bundle);
    if (body.kind === 'instant') return await instantClones(host, bundle, body, requested, progress);
    return await coldClones(host, bundle, body, progress);
  });
  // Those that booted have been waited for.
  if (body.kind !== 'instant' || body.wait !== 'network') return cloned;
  return await withAddresses(host, cloned, body.timeoutMs, progress);
}
