import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createNodeClient, type KameClient } from '../../client/node/client.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { version } from '../../core/version.ts';
import { fileError } from '../../sys/files.ts';
import type { CliContext } from '../context.ts';
import { visibleLines } from '../text.ts';
import { deleteUnused, ownerOf, renameUnused, requireOwn } from './disk-files.ts';
import { parse, type Conversion, type DiskAction, type MachineDiskAction } from './parse.ts';

/** What the program uses of the process it runs in. */
export type DiskManagerContext = Pick<CliContext, 'env' | 'cwd' | 'stdout' | 'stderr' | 'daemon'>;

const usage = `VMware Virtual Disk Manager - build 0 (Kame ${version}, not VMware).
Usage: vmware-vdiskmanager OPTIONS <disk-name>
  -c -s <size>[s|KB|MB|GB]   create a disk; -a and -t are accepted and not used
  -d                         defragment a disk
  -k                         shrink a disk of a machine
  -n <disk>                  rename a disk that no machine needs
  -r <disk> -t <type>        convert a disk to a new VMDK; -a ide|buslogic|lsilogic is for its geometry. Types:
                             0 growable, 1 growable and split, 2 preallocated, 3 preallocated and split,
                             4 preallocated for ESX, 5 stream-optimized, 6 thin for ESX
  -x <size>[s|KB|MB|GB]      expand a disk of a machine
  -U                         delete a disk that no machine needs
  -D                         make a disk deletable, which disks of Kame are
  -R, -e                     check the files of a disk of a machine
  -q                         print no progress
Disks that -c makes have the content of a qcow2, whatever their name ends with. Only Kame and QEMU read them; -r makes
VMDKs of them.
`;

const failed = 1;

interface Job {
  readonly client: KameClient;
  readonly cwd: string;
  /** Tells how far a conversion is. */
  readonly tell: (percent: number) => void;
}

async function convert({ client, cwd, tell }: Job, action: Conversion, source: string): Promise<string> {
  const { kind, adapter, target } = action;
  const body = { source, path: resolve(cwd, target), kind, adapter };
  await client.disks.convert(body, {
    onProgress: ({ done, total }) => {
      if (done !== undefined && total !== undefined && total > 0) tell(Math.floor((done * 100) / total));
    },
  });
  return 'Virtual disk conversion successful.';
}

/** Does something with a disk of a machine. */
async function change({ client }: Job, action: MachineDiskAction, path: string): Promise<string> {
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

/** Does what a command line says, and returns what the program says of it. */
async function perform(job: Job, action: DiskAction): Promise<string> {
  const { client, cwd } = job;
  const asked = resolve(cwd, action.path);
  if (action.action === 'create') {
    await client.disks.create({ path: asked, sizeBytes: action.sizeBytes });
    return 'Virtual disk creation successful.';
  }
  const path = await realpath(asked).catch((error: unknown) => {
    throw fileError(error, asked);
  });
  switch (action.action) {
    case 'delete':
      await deleteUnused(client, path);
      return 'The virtual disk was deleted.';
    case 'rename':
      await renameUnused(client, path, resolve(cwd, action.target));
      return 'Rename completed successfully.';
    case 'convert':
      return await convert(job, action, path);
    case 'make deletable':
      await requireOwn(path);
      return 'The virtual disk is deletable.';
    default:
      return await change(job, action, path);
  }
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
    const { action, quiet } = parse(argv);
    if (!action) {
      stdout.write(usage);
      return failed;
    }
    verb = action.action;
    client = createNodeClient({ env: context.env, daemon: context.daemon });
    let told = -1;
    const tell = (percent: number) => {
      if (!quiet && percent !== told) stdout.write(`\r  Convert: ${percent}% done.`);
      told = percent;
    };
    const said = await perform({ client, cwd, tell }, action);
    stdout.write(`${told < 0 || quiet ? '' : '\n'}${said}\n`);
    return 0;
  } catch (error) {
    stdout.write(visibleLines(`Failed to ${verb} disk: ${messageOf(error)}\n`));
    if (error instanceof KameError) stderr.write(visibleLines(`vmware-vdiskmanager: ${error.next}\n`));
    return failed;
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
}
