import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { endStaleCopies } from '../../qemu/live-transfer.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** The file of a disk, and the socket of a port, in a run directory. */
const leftover = /^(?:copy-[0-9a-f]{8}\.\d+|cp[0-9a-f]{8})$/;

/**
 * Takes out what the copies of a daemon that has died left in a machine: a state that was saved with it could not be
 * restored. The engine is asked only if there is a file of a copy, since each stays until it is taken out.
 */
export async function endCopies(host: Host, { engine, run, name: machine }: Running): Promise<void> {
  const names = (await readdir(run.directory)).filter((name) => leftover.test(name));
  if (names.length === 0) return;
  try {
    await endStaleCopies(engine);
  } catch (error) {
    // No reason to settle nothing else of the machine.
    host.log('Could not take out a part of a copy', { machine, reason: messageOf(error) });
    return;
  }
  for (const name of names) await rm(join(run.directory, name), { force: true });
}
