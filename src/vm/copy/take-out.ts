import { rm } from 'node:fs/promises';
import { messageOf } from '../../core/errors.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/**
 * Takes out what a copy has plugged into a machine, and removes its file, which is kept as long as the engine may use it: the
 * next daemon takes out what has one. Never throws because of an engine.
 * @param path of the file or socket
 */
export async function takeOut(
  host: Host,
  machine: Running,
  unplug: () => Promise<void>,
  path: string,
): Promise<void> {
  try {
    await unplug();
  } catch (error) {
    // An engine that has ended needs none of it.
    if (host.running.get(machine.names.vmx) === machine) {
      host.log('Could not take out a part of a copy', {
        machine: machine.name,
        path,
        reason: messageOf(error),
      });
      return;
    }
  }
  await rm(path, { force: true });
}
