import { lstat, mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../core/errors.ts';
import { fileError } from '../sys/files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import type { MachineNames } from './names.ts';

/**
 * What VMware has beside a `.vmx` that it has open, `NAME.vmx.lck/M….lck`. Kame has one too while a machine runs: VMware then
 * does not open the machine, and programs that wait for it to go see when the machine has ended. It locks nothing for Kame.
 */

const extension = '.lck';
const content = 'Kame has this machine open.\n';
const maxBytes = 1024;
const fileName = 'M00000.lck';

function markerOf({ vmx }: MachineNames): string {
  return vmx + extension;
}

/** The names in a marker; undefined if there is none, or something else has its name. */
async function entriesOf(marker: string): Promise<string[] | undefined> {
  try {
    return (await lstat(marker)).isDirectory() ? await readdir(marker) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the marker. One of VMware stays as it is. @throws KameError DISK_FULL, FILE_ACCESS */
export async function markOpen(names: MachineNames): Promise<void> {
  const marker = markerOf(names);
  try {
    await mkdir(marker, { mode: 0o700 }).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    // One that is empty is what a kill has left.
    if ((await entriesOf(marker))?.length !== 0) return;
    await writeFile(join(marker, fileName), content, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw fileError(error, marker);
  }
}

/**
 * `vmware.log` beside the `.vmx`, whose first line has the process of the machine: libvirt's driver for VMware lists no machine
 * without it. Kame's has only that line, and names the machine, since another one may have its `.vmx` beside it.
 */
function logOf({ directory, vmx }: MachineNames): { path: string; start: string } {
  return { path: join(directory, 'vmware.log'), start: `Log of Kame for ${basename(vmx)} pid=` };
}

/** Tells the process of an open machine. A log of VMware stays as it is. @throws KameError DISK_FULL, FILE_ACCESS */
export async function tellProcess(names: MachineNames, pid: number): Promise<void> {
  await removeLog(names);
  const { path, start } = logOf(names);
  try {
    await writeFile(path, `${start}${pid} \n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fileError(error, path);
  }
}

async function removeLog(names: MachineNames): Promise<void> {
  const { path, start } = logOf(names);
  // What cannot be read, or is longer, is not Kame's.
  const found = (await readOwnIfThere(path, { maxBytes }).catch(() => undefined))?.toString();
  // A kill, or a full disk, may have left only its beginning.
  if (found !== undefined && (found.startsWith(start) || start.startsWith(found)))
    await rm(path, { force: true });
}

/** Removes the marker and the log, if they are Kame's, or empty. @throws KameError FILE_ACCESS */
export async function removeOpenMarker(names: MachineNames): Promise<void> {
  await removeLog(names);
  const marker = markerOf(names);
  const file = join(marker, fileName);
  try {
    const entries = await entriesOf(marker);
    if (!entries || entries.length > 1) return;
    if (entries.length === 1) {
      if (entries[0] !== fileName) return;
      const found = (await readOwnIfThere(file, { maxBytes }))?.toString('latin1');
      // A kill, or a full disk, may have left only its beginning.
      if (found === undefined || !content.startsWith(found)) return;
      await rm(file, { force: true });
    }
    await rmdir(marker);
  } catch (error) {
    throw fileError(error, marker);
  }
}

/**
 * The name of the first such mark beside one of these files, each of which has one while VMware has it open; undefined if there
 * is none.
 * @throws KameError FILE_ACCESS
 */
export async function openMarkBeside(paths: readonly string[]): Promise<string | undefined> {
  for (const directory of new Set(paths.map((path) => dirname(path)))) {
    const beside = paths.filter((path) => dirname(path) === directory);
    const marks = new Set(beside.map((path) => basename(path) + extension));
    const entries = await readdir(directory).catch((error: unknown) => {
      throw fileError(error, directory);
    });
    const mark = entries.find((entry) => marks.has(entry));
    if (mark !== undefined) return mark;
  }
  return undefined;
}
