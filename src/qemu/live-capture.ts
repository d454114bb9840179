import type { Engine } from './engine.ts';
import { netdevId } from './plan/netdevs.ts';
import { QmpError } from './qmp/qmp-error.ts';

const prefix = 'capture-';

/** The id of a capture in QEMU. @param key hex digits that make it unique */
export function captureId(key: string): string {
  return `${prefix}${key}`;
}

/**
 * Has the engine write the frames of an adapter into a file, as pcap. Check before that the adapter exists: a filter-dump
 * that fails closes descriptor 0 of QEMU 7.2, whatever that is then.
 * @param path what it opens; of a named pipe without a reader the open would block the guest
 */
export async function startCapture({ qmp }: Engine, id: string, index: number, path: string): Promise<void> {
  await qmp.execute('object-add', { 'qom-type': 'filter-dump', id, netdev: netdevId(index), file: path });
}

/** Ends a capture, if it is still there: it goes with its adapter. */
export async function endCapture({ qmp }: Engine, id: string): Promise<void> {
  try {
    await qmp.execute('object-del', { id });
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
  }
}

/**
 * Removes the captures of a daemon that has died. They do not hurt: a pipe without a reader breaks, and QEMU then stops
 * writing.
 */
export async function endStaleCaptures(engine: Engine): Promise<void> {
  const objects = await engine.qmp.execute('qom-list', { path: '/objects' });
  for (const { name } of objects) if (name.startsWith(prefix)) await endCapture(engine, name);
}
