import { constants } from 'node:fs';
import { open, realpath, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createNodeClient, type KameClient } from '../../client/node/client.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { version } from '../../core/version.ts';
import { fileError } from '../../sys/files.ts';
import type { CliContext } from '../context.ts';
import { visibleLines } from '../text.ts';
import { parse, type DiskAction } from './parse.ts';

/** What the program uses of the process it runs in. */
export type DiskManagerContext = Pick<CliContext, 'env' | 'cwd' | 'stdout' | 'stderr' | 'daemon'>;

const usage = `VMware Virtual Disk Manager - build 0 (Kame ${version}, not VMware).
Usage: vmware-vdiskmanager OPTIONS <disk-name>
  -c -s <size>[s|KB|MB|GB]   create a disk; -a and -t are accepted and not used
  -d                         defragment a disk
  -k                         shrink a disk of a machine
  -x <size>[s|KB|MB|GB]      expand a disk of a machine
  -U                         delete a disk that no machine needs
  -R, -e                     check the files of a disk of a machine
  -q                         print no progress
Disks that Kame makes have the content of a qcow2, whatever their name ends with. Only Kame and QEMU read them.
`;

const failed = 1;

/** What a qcow2 begins with. */
const magic = Buffer.from('QFI\u00fb', 'latin1');

async function beginningOf(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.subarray(0, bytesRead);
}

/** The machine of the list to which a disk belongs, and the slot of the disk. @throws KameError BAD_IMAGE if it belongs to none */
async function ownerOf(client: KameClient, path: string): Promise<readonly [machine: string, slot: string]> {
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

/** Deletes a qcow2 that no machine of the list needs. @throws KameError BAD_IMAGE, FILE_ACCESS, WRONG_STATE when one needs it */
async function deleteUnused(client: KameClient, path: string): Promise<void> {
  for (const machine of await client.machines.list()) {
    const disks = await client.disks.list(machine.path);
    if (!disks.some((each) => each.path === path || each.layers.some((layer) => layer.path === path)))
      continue;
    throw new KameError('WRONG_STATE', `${path} is a disk of ${machine.name}.`, {
      next: `kame disk remove ${machine.name} removes it from the machine.`,
    });
  }
  const start = await beginningOf(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (!start.equals(magic)) throw new KameError('BAD_IMAGE', `${path} is not a disk that Kame has made.`);
  await rm(path);
}

/** Does what a command line says, and returns what the program says of it. */
async function perform(client: KameClient, action: DiskAction, cwd: string): Promise<string> {
  const asked = resolve(cwd, action.path);
  if (action.action === 'create') {
    await client.disks.create({ path: asked, sizeBytes: action.sizeBytes });
    return 'Virtual disk creation successful.';
  }
  const path = await realpath(asked).catch(() => asked);
  if (action.action === 'delete') {
    await deleteUnused(client, path);
    return 'The virtual disk was deleted.';
  }
  const [machine, slot] = await ownerOf(client, path);
  if (action.action === 'expand') {
    await client.disks.grow(machine, slot, { sizeBytes: action.sizeBytes });
    return 'Disk expansion completed successfully.';
  }
  if (action.action === 'shrink') {
    await client.disks.compact(machine, slot);
    return 'Shrink completed successfully.';
  }
  // Shrinking a qcow2 writes its clusters in order: nothing else is left to do.
  if (action.action === 'defragment') return 'Defragmentation completed successfully.';
  const { ok } = await client.disks.check(machine, slot);
  if (ok) return 'The virtual disk is consistent.';
  throw new KameError('BAD_IMAGE', `The files of ${path} have errors.`, {
    next: 'kame disk check --repair repairs some.',
  });
}

/**
 * Runs one command line of vmware-vdiskmanager, without the program's name.
 * @returns the exit code
 */
export async function main(argv: readonly string[], context: DiskManagerContext): Promise<number> {
  const { stdout, stderr, cwd } = context;
  let verb = 'open';
  let client: KameClient | undefined;
  try {
    const { action } = parse(argv);
    if (!action) {
      stdout.write(usage);
      return failed;
    }
    verb = action.action;
    client = createNodeClient({ env: context.env, daemon: context.daemon });
    stdout.write(`${await perform(client, action, cwd)}\n`);
    return 0;
  } catch (error) {
    stdout.write(visibleLines(`Failed to ${verb} disk: ${messageOf(error)}\n`));
    if (error instanceof KameError) stderr.write(visibleLines(`vmware-vdiskmanager: ${error.next}\n`));
    return failed;
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
}
