import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KameClient } from '../../client/node/client.ts';
import { KameError } from '../../core/errors.ts';
import { fileError, isTaken } from '../../sys/files.ts';
import { linkFile } from '../../sys/link.ts';

/** The files of disks: those of machines, and those of Kame that belong to none. */

/** What a qcow2 begins with. */
const magic = Buffer.from('QFI\u00fb', 'latin1');

async function beginningOf(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.subarray(0, bytesRead);
}

/** The machine of the list to which a disk belongs, and the slot of the disk. @throws KameError BAD_IMAGE if it belongs to none */
export async function ownerOf(
  client: KameClient,
  path: string,
): Promise<readonly [machine: string, slot: string]> {
  const directory = dirname(path);
  const machines = (await client.machines.list()).filter((each) => dirname(each.path) === directory);
  for (const machine of machines) {
    const disks = await client.disks.list(machine.path).catch(() => []);
    const disk = disks.find((each) => each.path === path || each.layers.some((layer) => layer.path === path));
    if (disk) return [machine.path, disk.slot];
  }
  throw new KameError('BAD_IMAGE', `${path} is not the disk of a machine that Kame knows.`, {
    next: 'kame register PATH adds the machine to the list.',
    details: { path },
  });
}

/** @throws KameError BAD_IMAGE unless Kame has made the disk, FILE_ACCESS */
export async function requireOwn(path: string): Promise<void> {
  const start = await beginningOf(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (!start.equals(magic)) throw new KameError('BAD_IMAGE', `${path} is not a disk that Kame has made.`);
}

/** @throws KameError WRONG_STATE when a machine of the list needs the disk, BAD_IMAGE unless Kame has made it, FILE_ACCESS */
async function requireUnused(client: KameClient, path: string, next: string): Promise<void> {
  for (const machine of await client.machines.list()) {
    const disks = await client.disks.list(machine.path);
    if (!disks.some((each) => each.path === path || each.layers.some((layer) => layer.path === path)))
      continue;
    throw new KameError('WRONG_STATE', `${path} is a disk of ${machine.name}.`, {
      next: next.replace('NAME', machine.name),
    });
  }
  await requireOwn(path);
}

/** Deletes a qcow2 that no machine of the list needs. @throws KameError BAD_IMAGE, FILE_ACCESS, WRONG_STATE when one needs it */
export async function deleteUnused(client: KameClient, path: string): Promise<void> {
  await requireUnused(client, path, 'kame disk remove NAME removes it from the machine.');
  await rm(path);
}

/**
 * Gives a qcow2 that no machine of the list needs another name; nothing is overwritten.
 * @throws KameError ALREADY_EXISTS, BAD_IMAGE, FILE_ACCESS, WRONG_STATE when a machine needs it
 */
export async function renameUnused(client: KameClient, path: string, target: string): Promise<void> {
  await requireUnused(client, path, 'kame rename NAME renames the machine; its disks keep their names.');
  const taken = new KameError('ALREADY_EXISTS', `The file already exists: ${target}`, {
    next: 'Choose another name.',
    details: { path: target },
  });
  if (await isTaken(target)) throw taken;
  try {
    // A link refuses a name that somebody has taken in the meantime.
    if (await linkFile(path, target)) await rm(path);
    else await rename(path, target);
  } catch (error) {
    throw fileError(error, target);
  }
}
