import type { Machine } from '../../../src/api/generated/shapes.ts';
import { KameError, messageOf } from '../../../src/core/errors.ts';
import type { TaskOptions } from '../../../src/client/core/options.ts';

/** What can be done to several machines at once. */
export const bulkKinds = ['start', 'stop', 'suspend', 'snapshot', 'clone'] as const;
export type BulkKind = (typeof bulkKinds)[number];

const states: Readonly<Record<BulkKind, readonly Machine['state'][]>> = {
  start: ['stopped', 'suspended'],
  stop: ['running'],
  suspend: ['running', 'paused'],
  snapshot: ['stopped', 'suspended', 'running', 'paused'],
  clone: ['stopped', 'suspended', 'running'],
};

/** Those of the machines to which it can be done in their present state. */
export function fitting(machines: readonly Machine[], kind: BulkKind): readonly Machine[] {
  return machines.filter(({ state }) => states[kind].includes(state));
}

/** Why some of several were not done, in one error. */
export function together(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length < 2 || !(first instanceof KameError)) return first;
  return new KameError(first.code, errors.map(messageOf).join(' '), { next: first.next, cause: first });
}

/**
 * Does one thing to machine after machine, because each takes much of the host. One that fails does not keep the others from it.
 * @throws KameError what failed, or CANCELLED
 */
export async function forEach(
  machines: readonly Machine[],
  work: (machine: Machine, options: TaskOptions) => Promise<void>,
  options: TaskOptions,
): Promise<void> {
  const errors: unknown[] = [];
  for (const [at, machine] of machines.entries()) {
    options.onProgress?.({ stage: machine.name, done: at, total: machines.length, unit: 'items' });
    try {
      options.signal?.throwIfAborted();
      await work(machine, { ...options, onProgress: undefined });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw together(errors);
}
