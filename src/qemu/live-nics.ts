import { deferred } from '../core/deferred.ts';
import { settledWithin } from '../core/deadline.ts';
import type { Engine } from './engine.ts';
import type { DeviceOptions } from './plan/builder.ts';
import { netdevId, type Netdev } from './plan/netdevs.ts';
import { nicId } from './plan/nics.ts';
import { QmpError } from './qmp/qmp-error.ts';

/** The adapters that an engine has: N of each `ethernetN`. */
export async function nicsIn({ qmp }: Engine): Promise<ReadonlySet<number>> {
  const devices = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  return new Set(devices.flatMap(({ name }) => numberOf(name) ?? []));
}

function numberOf(name: string): number | undefined {
  const digits = /^nic(\d{1,2})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The adapter that a `DEVICE_DELETED` names, if it is one. */
export function nicDeleted({ device }: { readonly device?: string }): number | undefined {
  return device === undefined ? undefined : numberOf(device);
}

/** Removes the backend of an adapter, if there is one. */
export async function removeBackend({ qmp }: Engine, index: number): Promise<void> {
  try {
    await qmp.execute('netdev_del', { id: netdevId(index) });
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
  }
}

/** Plugs an adapter in, or leaves nothing of it. @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED */
export async function plugNic(
  engine: Engine,
  netdev: Extract<Netdev, { type: 'stream' }>,
  device: DeviceOptions,
): Promise<void> {
  await engine.qmp.execute('netdev_add', netdev);
  try {
    await engine.qmp.execute('device_add', device);
  } catch (error) {
    if (error instanceof QmpError) await engine.qmp.execute('netdev_del', { id: netdev.id });
    throw error;
  }
}

/**
 * Asks the guest to let go of an adapter, and waits for it.
 * @returns whether it did; if not, it may still do so later
 * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT, CANCELLED
 */
export async function unplugNic(
  engine: Engine,
  index: number,
  limits: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const gone = deferred();
  using _listening = engine.on('DEVICE_DELETED', (event) => {
    if (nicDeleted(event) === index) gone.resolve();
  });
  try {
    await engine.qmp.execute('device_del', { id: nicId(index) });
  } catch (error) {
    // It was asked before, and has not answered yet.
    if (!(error instanceof QmpError) || !/process of unplug/i.test(error.description)) throw error;
  }
  const cancelled = deferred();
  limits.signal.addEventListener('abort', () => cancelled.resolve(), { once: true });
  if (limits.signal.aborted) cancelled.resolve();
  const ended = engine.closed.then(() => undefined);
  await settledWithin(Promise.race([gone.promise, cancelled.promise, ended]), limits.deadlineMs);
  return !(await nicsIn(engine)).has(index);
}

/** Puts the cable in or pulls it. */
export async function setLink({ qmp }: Engine, index: number, up: boolean): Promise<void> {
  await qmp.execute('set_link', { name: nicId(index), up });
}
