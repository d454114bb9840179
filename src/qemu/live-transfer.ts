import { poll } from '../core/deadline.ts';
import { KameError } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import type { Engine } from './engine.ts';
import type { DeviceOptions } from './plan/builder.ts';
import { transferController } from './plan/extras.ts';
import { QmpError } from './qmp/qmp-error.ts';

// What a copy of files plugs into a running machine, and takes out again: read-only disks, and a port.

const prefix = 'copy-';
/** Milliseconds until QEMU has let go of a backend whose device is gone: a moment, on its own thread. */
const letGoMs = 10_000;

/** Whether the machine has the controller for disks that carry files. */
export async function hasTransfer({ qmp }: Engine): Promise<boolean> {
  const devices = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  return devices.some(({ name }) => name === transferController);
}

/**
 * Plugs a read-only disk in. After a failure too, `unplugDisk` is needed: an engine that answered late may have it.
 * @param model at most 16 characters, by which the guest finds it
 * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT
 */
export async function plugDisk({ qmp }: Engine, model: string, filename: string): Promise<void> {
  const id = prefix + model;
  await qmp.execute('blockdev-add', {
    driver: 'raw',
    'node-name': id,
    'read-only': true,
    file: { driver: 'file', filename },
  });
  const device: DeviceOptions = {
    driver: 'scsi-hd',
    id,
    bus: `${transferController}.0`,
    drive: id,
    vendor: 'KAME',
    product: model,
    serial: model,
  };
  await qmp.execute('device_add', device);
}

/**
 * Takes a disk out, whatever the guest does with it. What of it is not there need not be removed.
 * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT when some of it may still be there
 */
export async function unplugDisk({ qmp }: Engine, model: string): Promise<void> {
  const id = prefix + model;
  await removeDevice(async () => await qmp.execute('device_del', { id }));
  await removeBackend(async () => await qmp.execute('blockdev-del', { 'node-name': id }));
}

/** The name of a port in the guest. */
function portName(key: string): string {
  return `org.kame.copy.${key}`;
}

/**
 * Plugs a port in. After a failure too, `unplugPort` is needed.
 * @param path of the socket on which its other end is
 * @throws KameError ENGINE_FAILED, ENGINE_TIMEOUT
 */
export async function plugPort({ qmp }: Engine, key: string, path: string): Promise<void> {
  const id = prefix + key;
  await qmp.execute('chardev-add', {
    id,
    backend: {
      type: 'socket',
      data: { addr: { type: 'unix', data: { path } }, server: true, wait: false },
    },
  });
  const device: DeviceOptions = {
    driver: 'virtserialport',
    id: `${id}-port`,
    bus: 'vserial0.0',
    chardev: id,
    name: portName(key),
  };
  await qmp.execute('device_add', device);
}

/** Takes a port out. What of it is not there need not be removed. @throws as unplugDisk */
export async function unplugPort({ qmp }: Engine, key: string): Promise<void> {
  const id = prefix + key;
  await removeDevice(async () => await qmp.execute('device_del', { id: `${id}-port` }));
  await removeBackend(async () => await qmp.execute('chardev-remove', { id }));
}

/** A device that is not there need not be removed. */
async function removeDevice(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
  }
}

/** Removes a backend as soon as QEMU has let go of it; not there is fine too. @throws KameError ENGINE_* */
async function removeBackend(remove: () => Promise<unknown>): Promise<void> {
  const attempt = async (): Promise<true | undefined> => {
    try {
      await remove();
      return true;
    } catch (error) {
      // The words of blockdev.c and chardev/char.c: the class is always GenericError.
      if (!(error instanceof QmpError)) throw error;
      if (/in use|is busy/i.test(error.description)) return undefined;
      if (/failed to find|not found/i.test(error.description)) return true;
      throw error;
    }
  };
  if (!(await poll(attempt, { deadlineMs: letGoMs, maxStepMs: 50 })))
    throw new KameError(
      'ENGINE_TIMEOUT',
      `The engine did not let go of a part of a copy in ${formatDuration(letGoMs)}.`,
    );
}

/**
 * Takes out what the copies of a daemon that has died left plugged in. The program in the guest that reads the disks ends
 * when they are gone.
 */
export async function endStaleCopies(engine: Engine): Promise<void> {
  const { qmp } = engine;
  const devices = await qmp.execute('qom-list', { path: '/machine/peripheral' });
  for (const { name } of devices)
    if (name.startsWith(prefix))
      await removeDevice(async () => await qmp.execute('device_del', { id: name }));
  for (const node of await qmp.execute('query-named-block-nodes', { flat: true })) {
    const name = node['node-name'] ?? '';
    if (name.startsWith(prefix))
      await removeBackend(async () => await qmp.execute('blockdev-del', { 'node-name': name }));
  }
  for (const { label } of await qmp.execute('query-chardev', {}))
    if (label.startsWith(prefix))
      await removeBackend(async () => await qmp.execute('chardev-remove', { id: label }));
}
