import type { Bundle } from '../../store/bundle.ts';
import { releaseLock, takeLock } from '../../sys/lock.ts';
import { findBundle } from './find.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';
import { settle } from './settle.ts';
import { refuseRunning, requireRunning } from './state.ts';
import type { Verb } from './verbs.ts';

/** The state that a use case needs the machine to be in. A stopped one may be suspended or broken. */
type Needs = 'any' | 'running' | 'stopped';

export interface HoldRequest<N extends Needs> {
  readonly verb: Verb;
  readonly needs: N;
  /** False leaves an unfinished operation as it is: for what must work on a machine that can't be settled. */
  readonly settles?: boolean;
}

/** A machine that nobody else changes meanwhile. */
export interface Held<N extends Needs = 'any'> {
  readonly bundle: Bundle;
  /** Its engine; undefined while it does not run. */
  readonly machine: N extends 'running' ? Running : N extends 'stopped' ? undefined : Running | undefined;
}

/** Holds the lock of a machine's files, as its engine would, so that no other program starts it. */
async function withLock<T>(bundle: Bundle, work: () => Promise<T>): Promise<T> {
  await takeLock(bundle.names.lock, 'kamed', bundle.name);
  try {
    return await work();
  } finally {
    await releaseLock(bundle.names.lock);
  }
}

/**
 * Opens every use case that changes a machine: finds it, refuses while something else is under way, ends what a kill has
 * left half done, and checks its state. A stopped machine's lock is held too.
 * @param reference name, id or path of the `.vmx`, or the bundle where it was found already
 * @throws KameError NO_SUCH_MACHINE, BUSY, WRONG_STATE, BROKEN_MACHINE, and what `work` throws
 */
export async function hold<T, N extends Needs = 'any'>(
  host: Host,
  reference: string | Bundle,
  request: Verb | HoldRequest<N>,
  work: (held: Held<N>) => Promise<T>,
): Promise<T> {
  const { verb, needs = 'any', settles = true } = typeof request === 'string' ? { verb: request } : request;
  const found = typeof reference === 'string' ? await findBundle(host, reference) : reference;
  const { vmx } = found.names;
  return await host.operations.exclusive({ key: vmx, machine: found.name, verb }, async () => {
    if (needs === 'running') requireRunning(host, found);
    if (needs === 'stopped') refuseRunning(host, found, verb);
    // What was found may have changed before it was held.
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
