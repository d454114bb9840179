import { poll } from '../core/deadline.ts';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { closeNode, nodesByFile } from './disk-layers.ts';
import type { Engine } from './engine.ts';
import { reopenedNode } from './plan/layers.ts';
import type { DiskSource } from './plan/types.ts';
import type { ExecuteOptions } from './qmp/client.ts';

/** Block jobs merge layers while the guest is running (docs/interop/live-block-operations.rst in QEMU). */

const jobDeadlineMs = 24 * 3600_000;
const lookMs = 10;
const slowLookMs = 200;
/** Milliseconds that an engine has to answer to a cancellation, which somebody waits for. */
const cancelMs = 2000;
const prefix = 'kame-';

interface JobSteps {
  readonly id: string;
  readonly stage: string;
}

async function jobOf(engine: Engine, id: string, options: ExecuteOptions = {}) {
  return (await engine.qmp.execute('query-jobs', {}, options)).find((job) => job.id === id);
}

async function dismiss(engine: Engine, id: string): Promise<void> {
  await engine.qmp.execute('job-dismiss', { id }).catch(() => undefined);
}

/** Advances a job by one step; returns true when it has ended. Jobs change the layers only when we finalize them. */
async function advance(
  engine: Engine,
  steps: JobSteps,
  asked: Set<string>,
  progress: Progress,
): Promise<boolean> {
  const { id, stage } = steps;
  const { signal } = progress;
  if (signal.aborted && !asked.has('cancel') && !asked.has('finalize')) {
    asked.add('cancel');
    await engine.qmp.execute('job-cancel', { id }, { timeoutMs: cancelMs });
  }
  const job = await jobOf(engine, id, limitsOf(asked, signal));
  if (!job) throw new KameError('ENGINE_FAILED', `The job ${id} of ${engine.name} no longer exists.`);
  progress.report({ stage, done: job['current-progress'], total: job['total-progress'], unit: 'bytes' });
  if (job.status === 'ready' && !asked.has('complete') && !asked.has('cancel')) {
    asked.add('complete');
    await engine.pause();
    await engine.qmp.execute('job-complete', { id });
  } else if (job.status === 'pending' && !asked.has('finalize')) {
    asked.add('finalize');
    // Stopping flushes every layer. Without it, the engine writes the header with the new backing file before the
    // tables of the copied data, and a kill in between loses that data (observed with 7.2). A running guest could also
    // write to a layer that the .vmx does not name yet.
    await engine.pause();
    await engine.qmp.execute('job-finalize', { id });
  } else if (job.status === 'concluded') {
    await dismiss(engine, id);
    if (asked.has('cancel')) throw new KameError('CANCELLED', `${stage} was cancelled.`);
    if (job.error !== undefined) throw new KameError('ENGINE_FAILED', `${stage} failed: ${job.error}`);
    return true;
  }
  return false;
}

/** Until a job is finalized, the signal also ends the wait for an engine that does not answer. */
function limitsOf(asked: ReadonlySet<string>, signal: AbortSignal): ExecuteOptions {
  if (asked.has('cancel')) return { timeoutMs: cancelMs };
  return asked.has('finalize') ? {} : { signal };
}

async function finish(engine: Engine, steps: JobSteps, progress: Progress): Promise<void> {
  const asked = new Set<string>();
  const look = async () => {
    try {
      return (await advance(engine, steps, asked, progress)) ? true : undefined;
    } catch (error) {
      // Cut off by the signal: the next look cancels the job.
      if (progress.signal.aborted && !asked.has('cancel') && isCancelled(error)) return undefined;
      throw error;
    }
  };
  const ended = await poll(look, { deadlineMs: jobDeadlineMs, stepMs: lookMs, maxStepMs: slowLookMs });
  if (!ended) throw new KameError('ENGINE_TIMEOUT', `${steps.stage} did not finish.`);
}

function nodeOf(nodes: ReadonlyMap<string, string>, file: string): string {
  const node = nodes.get(file);
  if (node === undefined) throw new KameError('ENGINE_FAILED', `The engine does not have ${file} open.`);
  return node;
}

function isCancelled(error: unknown): boolean {
  return error instanceof KameError && error.code === 'CANCELLED';
}

/** Reopens a layer as writable or read-only. */
async function reopen(
  engine: Engine,
  nodes: ReadonlyMap<string, string>,
  layer: DiskSource,
  writable: boolean,
): Promise<void> {
  const backing = layer.backing ? nodeOf(nodes, layer.backing.path) : null;
  const options = [reopenedNode(layer, nodeOf(nodes, layer.path), backing, writable)];
  await engine.qmp.execute('blockdev-reopen', { options });
}

export interface LiveCommit {
  /** The layer that the guest writes to. */
  readonly top: string;
  /** The layer above the overlay; null if the overlay is the top. */
  readonly over: DiskSource | null;
  /** The layer whose data is written into the one below it. */
  readonly overlay: DiskSource;
  readonly base: DiskSource;
  /** The new name of the backing file in the header of the layer above the overlay. */
  readonly backingName: string;
}

/**
 * Writes the data of a layer into the one below it and removes the layer from the chain, while the guest is running. At
 * the end the guest is paused; the caller resumes it.
 * @throws KameError ENGINE_FAILED with the reason from QEMU, CANCELLED; the chain is then unchanged
 */
export async function commitLive(engine: Engine, commit: LiveCommit, progress: Progress): Promise<void> {
  const nodes = await nodesByFile(engine);
  const { base, over, overlay, top } = commit;
  const overlayNode = nodeOf(nodes, overlay.path);
  const id = `${prefix}commit`;
  await reopen(engine, nodes, base, true);
  // The engine writes the new backing file into its header.
  if (over && over.path !== top) await reopen(engine, nodes, over, true);
  try {
    await engine.qmp.execute('block-commit', {
      'job-id': id,
      device: nodeOf(nodes, top),
      'top-node': overlayNode,
      'base-node': nodeOf(nodes, base.path),
      ...(over ? { 'backing-file': commit.backingName } : {}),
      'auto-finalize': false,
      'auto-dismiss': false,
    });
    await finish(engine, { id, stage: 'Merging a layer of the disk' }, progress);
  } catch (error) {
    // An engine that does not answer keeps them writable; the next merge opens them anew.
    if (!(await engine.answers())) throw error;
    if (over && over.path !== top) await reopen(engine, nodes, over, false);
    await reopen(engine, nodes, base, false);
    throw error;
  }
  await closeNode(engine, overlayNode);
  if (!over) return;
  if (over.path !== top) await reopen(engine, nodes, { ...over, backing: base }, false);
  await reopen(engine, nodes, base, false);
}

export interface LivePull {
  /** The layer that receives the data of the one below it. */
  readonly overlay: DiskSource;
  readonly isTop: boolean;
  readonly beneath: DiskSource;
  /** The new name of the backing file in the header of the overlay; null for none. */
  readonly ontoName: string | null;
}

/**
 * Copies the data of the layer below into a layer and removes the one below from the chain, while the guest is running.
 * At the end the guest is paused; the caller resumes it.
 * @throws KameError ENGINE_FAILED with the reason from QEMU, CANCELLED; the chain is then unchanged
 */
export async function pullLive(engine: Engine, pull: LivePull, progress: Progress): Promise<void> {
  const nodes = await nodesByFile(engine);
  const { beneath, overlay, isTop, ontoName } = pull;
  const onto = beneath.backing;
  const id = `${prefix}stream`;
  if (!isTop) await reopen(engine, nodes, overlay, true);
  try {
    await engine.qmp.execute('block-stream', {
      'job-id': id,
      device: nodeOf(nodes, overlay.path),
      ...(onto && ontoName !== null
        ? { 'base-node': nodeOf(nodes, onto.path), 'backing-file': ontoName }
        : {}),
      'auto-finalize': false,
      'auto-dismiss': false,
    });
    await finish(engine, { id, stage: 'Copying a layer of the disk' }, progress);
  } catch (error) {
    if (!isTop && (await engine.answers())) await reopen(engine, nodes, overlay, false);
    throw error;
  }
  await closeNode(engine, nodeOf(nodes, beneath.path));
  const { path, format } = overlay;
  if (!isTop) await reopen(engine, nodes, { path, format, ...(onto ? { backing: onto } : {}) }, false);
}

/** Ends jobs that a killed daemon left behind. The layers are unchanged, because the jobs were never finalized. */
export async function cancelJobs(engine: Engine): Promise<void> {
  for (const { id } of await engine.qmp.execute('query-jobs')) {
    if (!id.startsWith(prefix)) continue;
    await engine.qmp.execute('job-cancel', { id }).catch(() => undefined);
    await poll(async () => ((await jobOf(engine, id))?.status === 'concluded' ? true : undefined), {
      deadlineMs: 10_000,
    });
    await dismiss(engine, id);
  }
}
