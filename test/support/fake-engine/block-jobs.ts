import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BlockGraph } from './block-graph.ts';
import { readChain } from '../../../src/disk/chain.ts';
import { isInPlace, onStandIn, withStandIn } from '../../../src/disk/stand-in.ts';
import { runProgram } from '../run-program.ts';
import { Refusal } from './refusal.ts';

type Status = 'running' | 'ready' | 'pending' | 'concluded';

interface Job {
  readonly id: string;
  readonly type: 'commit' | 'stream';
  status: Status;
  error?: string;
  /** Changes the images and the graph, at `job-finalize`. */
  readonly finalize: () => Promise<void>;
}

/** By its first bytes: no disk of a test is anything else. */
function formatOf(path: string): 'qcow2' | 'raw' {
  const file = openSync(path, 'r');
  const magic = Buffer.alloc(4);
  readSync(file, magic, 0, magic.length, 0);
  closeSync(file);
  return magic.toString('latin1') === 'QFI\u00fb' ? 'qcow2' : 'raw';
}

/** Writes what a layer has into the one below it. Files of another program below them are left out, as `qemu-img` needs it. */
async function commit(from: string, to: string): Promise<void> {
  const chain = await readChain(from, { inside: ['/'], tables: false });
  const args = ['commit', '-q', '-d'];
  if (!isInPlace(chain)) runProgram('qemu-img', [...args, '-b', to, from]);
  else
    await withStandIn(chain, async (standIn) => {
      runProgram('qemu-img', [...args, onStandIn([from, to], standIn)]);
      await Promise.resolve();
    });
}

/** Writes the backing file of a layer into its header. */
function repoint(path: string, name: string, beneath: string): void {
  const backing = ['-b', name, '-F', formatOf(beneath)];
  runProgram('qemu-img', ['rebase', '-q', '-u', ...backing, path], { cwd: dirname(path) });
}

export interface CommitOptions {
  readonly id: string;
  readonly top: string;
  readonly base: string;
  /** How the layer over the top is to name the base. */
  readonly backingFile: string | null;
}

export interface StreamOptions {
  readonly id: string;
  readonly device: string;
  /** What stays beneath the device's image; null for nothing. */
  readonly base: string | null;
  readonly backingFile: string | null;
}

/**
 * The block jobs of an engine. What they do to the images is done for real, by qemu-img, when they are finalized, so the
 * files afterwards are what QEMU would have left.
 */
export class BlockJobs {
  readonly #graph: BlockGraph;
  readonly #jobs = new Map<string, Job>();
  readonly #tell: (job: { id: string; status: Status }) => void;

  constructor(graph: BlockGraph, tell: (job: { id: string; status: Status }) => void) {
    this.#graph = graph;
    this.#tell = tell;
  }

  #begin(job: Job): void {
    if (this.#jobs.has(job.id)) throw new Refusal(`Job ID '${job.id}' already in use`);
    this.#jobs.set(job.id, job);
    this.#tell(job);
  }

  #to(job: Job, status: Status): void {
    job.status = status;
    this.#tell(job);
  }

  job(id: string): Job {
    const job = this.#jobs.get(id);
    if (!job) throw new Refusal('Job not found');
    return job;
  }

  /** `block-commit`; of the top layer it becomes ready and waits to be completed. */
  commit({ id, top, base, backingFile }: CommitOptions): void {
    const graph = this.#graph;
    const active = graph.isTop(top);
    if (graph.node(base).readOnly) throw new Refusal(`Block node '${base}' is read-only`);
    this.#begin({
      id,
      type: 'commit',
      status: active ? 'ready' : 'pending',
      finalize: async () => {
        const [from, to] = [graph.pathOf(top), graph.pathOf(base)];
        await commit(from, to);
        const over = graph.over(top);
        if (over) repoint(graph.pathOf(over.name), backingFile ?? to, to);
        graph.replace(top, base);
      },
    });
  }

  /** `block-stream` of the layers between a layer and the base, which may be nothing. */
  stream({ id, device, base, backingFile }: StreamOptions): void {
    const graph = this.#graph;
    if (graph.node(device).readOnly) throw new Refusal(`Block node '${device}' is read-only`);
    this.#begin({
      id,
      type: 'stream',
      status: 'pending',
      finalize: async () => {
        await Promise.resolve();
        const path = graph.pathOf(device);
        const onto = base === null ? null : graph.pathOf(base);
        const backing = onto === null ? ['-b', ''] : ['-b', backingFile ?? onto, '-F', formatOf(onto)];
        runProgram('qemu-img', ['rebase', '-q', ...backing, path], { cwd: dirname(path) });
        graph.node(device).backing = base;
      },
    });
  }

  complete(id: string): void {
    const job = this.job(id);
    if (job.status !== 'ready')
      throw new Refusal(`Job '${id}' in state '${job.status}' cannot accept command verb 'complete'`);
    this.#to(job, 'pending');
  }

  async finalize(id: string): Promise<void> {
    const job = this.job(id);
    if (job.status !== 'pending')
      throw new Refusal(`Job '${id}' in state '${job.status}' cannot accept command verb 'finalize'`);
    try {
      await job.finalize();
    } catch (error) {
      job.error = error instanceof Error ? error.message : String(error);
    }
    this.#to(job, 'concluded');
  }

  cancel(id: string): void {
    const job = this.job(id);
    job.error = 'Operation canceled';
    this.#to(job, 'concluded');
  }

  /** Ends a job with an error, as a full disk does. */
  fail(id: string, error: string): void {
    const job = this.job(id);
    job.error = error;
    this.#to(job, 'concluded');
  }

  dismiss(id: string): void {
    const job = this.job(id);
    if (job.status !== 'concluded')
      throw new Refusal(`Job '${id}' in state '${job.status}' cannot accept command verb 'dismiss'`);
    this.#jobs.delete(id);
  }

  /** `query-jobs` */
  describe(): object[] {
    return [...this.#jobs.values()].map(({ id, type, status, error }) => ({
      id,
      type,
      status,
      'current-progress': status === 'running' ? 0 : 1,
      'total-progress': 1,
      ...(error === undefined ? {} : { error }),
    }));
  }
}
