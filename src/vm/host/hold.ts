import type { Bundle } from '../../store/bundle.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { findBundle } from './find.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';
import { settle } from './settle.ts';
import { refuseRunning, refuseUnreachable, requireRunning } from './state.ts';
import type { Verb } from './verbs.ts';

/** The state that a use case requires. A stopped machine may be suspended or broken. */
type Needs = 'any' | 'running' | 'stopped';

export interface HoldRequest<N extends Needs> {
  readonly verb: Verb;
  readonly needs: N;
  /** False leaves an unfinished operation as it is, for use cases that must work even when it cannot be settled. */
  readonly settles?: boolean;
  /** True for use cases that end an engine which does not answer. */
  readonly endsEngine?: boolean;
}

/** A machine that nothing else changes in the meantime. */
export interface Held<N extends Needs = 'any'> {
  readonly bundle: Bundle;
  /** Undefined when the machine is not running. */
  readonly machine: N extends 'running' ? Running : N extends 'stopped' ? undefined : Running | undefined;
}

/** Takes the lock of a machine's files, as its engine does, so that no other program can start it. */
export async function withLock<T>(bundle: Bundle, work: () => Promise<T>): Promise<T> {
  await takeLock(bundle.names.lock, 'kamed', bundle.name);
  try {
    return await work();
  } finally {
    await releaseLock(bundle.names.lock);
  }
}

/**
 * Opens every use case that changes a machine: finds the machine, refuses when another operation is in progress, settles
 * an operation that was interrupted, and checks the state. For a stopped machine it also takes the lock. A machine that
 * another process uses according to its lock is refused before anything of it is read or settled.
 * @param reference name, id or path of the `.vmx`, or the bundle if the caller has found it
 * @throws KameError NO_SUCH_MACHINE, BUSY, ENGINE_TIMEOUT, WRONG_STATE, BROKEN_MACHINE, and what `work` throws
 */
export async function hold<T, N extends Needs = 'any'>(
  host: Host,
  reference: string | Bundle,
  request: Verb | HoldRequest<N>,
  work: (held: Held<N>) => Promise<T>,
): Promise<T> {
  const options: Partial<HoldRequest<N>> & { verb: Verb } =
    typeof request === 'string' ? { verb: request } : request;
  const { verb, needs = 'any', settles = true, endsEngine = false } = options;
  const found = typeof reference === 'string' ? await findBundle(host, reference) : reference;
  const { vmx } = found.names;
  return await host.operations.exclusive({ key: vmx, machine: found.name, verb }, async () => {
    if (!endsEngine) await refuseUnreachable(host, found, verb);
    if (needs === 'running') requireRunning(host, found);
    if (needs === 'stopped') refuseRunning(host, found, verb);
    // The files may have changed between finding the machine and holding it.
    const read = async () => {
      const bundle = await host.bundles.read(vmx);
      return settles ? await settle(host, bundle) : bundle;
    };
    const held = (bundle: Bundle) => {
      const machine = needs === 'running' ? requireRunning(host, bundle) : host.running.get(vmx);
      return { bundle, machine } as Held<N>;
    };
    if (needs === 'stopped') return await withLock(found, async () => await work(held(await read())));
    return await work(held(await read()));
  });
}
