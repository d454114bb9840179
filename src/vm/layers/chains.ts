import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import { readChain, type ChainOptions, type Layer } from '../../disk/chain.ts';
import { attachedFloppies, maxFloppyBytes } from '../../model/floppies.ts';
import type { Disk, MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import type { Host } from '../host/host.ts';
import { requireAgreed } from '../host/outside-files.ts';
import { parentsOf } from './parents.ts';

/**
 * The directories that may contain layers of a machine: its own, those of disks that its `.vmx` refers to elsewhere, and
 * those of the parents of a linked clone, if these are in the inventory. A clone of a clone depends on the disks of both.
 * Also the files outside that somebody has agreed to: the originals of a machine that was imported in place are such files.
 */
export async function layerDirectories(host: Host, bundle: Bundle): Promise<string[]> {
  const { names, content } = bundle;
  const named = (content?.model.disks ?? []).map((disk) => dirname(resolveIn(names, disk.fileName)));
  const directories = new Set([names.directory, ...named]);
  const asked = new Set([names.vmx]);
  const queue = await parentsOf(host, bundle);
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    if (asked.has(parent.names.vmx)) continue;
    asked.add(parent.names.vmx);
    directories.add(parent.names.directory);
    queue.push(...(await parentsOf(host, parent)));
  }
  return [...directories, ...(await host.inventory.agreedFiles(names.vmx))];
}

/**
 * The layer chains of a machine's disks by slot. Each header is checked, since anyone with write access may have changed
 * the file. `tables: false` skips the allocation tables and takes only milliseconds.
 * @throws KameError BAD_IMAGE, FILE_ACCESS naming the layer and the reason, OUTSIDE_FILES
 */
export async function diskChains(
  host: Host,
  bundle: Bundle,
  model: MachineModel,
  options: { readonly tables?: boolean } = {},
): Promise<Map<string, Layer>> {
  await requireAgreed(host, bundle, model);
  const inside = await layerDirectories(host, bundle);
  const chainOf = async (disk: Disk) =>
    await readChain(resolveIn(bundle.names, disk.fileName), { inside, tables: options.tables ?? true });
  try {
    const pairs = await Promise.all(
      model.disks.map(async (disk) => [slotName(disk), await chainOf(disk)] as const),
    );
    return new Map(pairs);
  } catch (error) {
    throw await withRepairAdvice(bundle, await withSnapshotAdvice(bundle, error));
  }
}

/** Adds to the advice for a damaged disk that some snapshots of the machine may be intact, if it has any. */
async function withSnapshotAdvice({ names, name }: Bundle, error: unknown): Promise<unknown> {
  if (!(error instanceof KameError) || error.code !== 'BAD_IMAGE' || error.next !== error.kind.next)
    return error;
  const { tree } = await readSnapshotFile(names);
  if (tree.snapshots.length === 0) return error;
  return new KameError('BAD_IMAGE', error.message, {
    next: `${error.next} Snapshots that do not depend on it remain usable: see \`kame snapshot list ${name}\` and \`kame snapshot revert\`.`,
    details: error.details,
    cause: error,
  });
}

/** The error of a chain that cannot be read. That of a linked clone usually means that one of the machines was moved. */
async function withRepairAdvice(bundle: Bundle, error: unknown): Promise<unknown> {
  const refersElsewhere =
    error instanceof KameError &&
    (typeof error.details['backing'] === 'string' || typeof error.details['layer'] === 'string');
  if (!refersElsewhere || !(await hasSnapshotFile(bundle.names))) return error;
  const [parent] = (await readSnapshotFile(bundle.names)).tree.cloneOf;
  if (parent === undefined) return error;
  const { code, message, details } = error;
  return new KameError(code, message, {
    next: `${bundle.name} is a linked clone of ${parent}. If either was moved, run kame register on it where it is now, then kame repair ${bundle.name}.`,
    details,
    cause: error,
  });
}

async function realDirectory(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

/**
 * The chain of a disk in a snapshot. A `.vmsd` may be hostile, so a file that the `.vmx` may not depend on is refused;
 * otherwise a revert would leave a machine that cannot start.
 * @throws KameError BAD_IMAGE for a file outside of `inside`, and as readChain
 */
export async function snapshotChain(bundle: Bundle, fileName: string, options: ChainOptions): Promise<Layer> {
  const path = resolveIn(bundle.names, fileName);
  const directory = `${await realDirectory(dirname(path))}${sep}`;
  const allowed = await Promise.all(options.inside.map(async (each) => `${await realDirectory(each)}${sep}`));
  if (!allowed.some((each) => directory.startsWith(each))) {
    throw new KameError(
      'BAD_IMAGE',
      `${bundle.names.snapshots} lists ${path} as a disk of a snapshot, but that file is outside the machine’s directories.`,
      {
        next: 'Move the disk into the directory of the machine and correct its name in the .vmsd, if it belongs to the machine.',
        details: { path, machine: bundle.name },
      },
    );
  }
  return await readChain(path, options);
}

/** @throws KameError FILE_ACCESS for a floppy image that is missing or no plain file of the size of a floppy */
async function checkFloppies({ name, names }: Bundle, model: MachineModel): Promise<void> {
  for (const { index, fileName } of attachedFloppies(model)) {
    const path = resolveIn(names, fileName);
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() && found.size > 0 && found.size <= maxFloppyBytes) continue;
    const reason = found?.isFile()
      ? `has ${found.size} bytes, and a floppy 1 to ${maxFloppyBytes}`
      : found
        ? 'is not a regular file'
        : 'does not exist, but the .vmx refers to it';
    throw new KameError('FILE_ACCESS', `${path} ${reason}.`, {
      next: `Restore the file, or take the floppy out: \`kame set ${name} floppy${index}.present=FALSE\``,
      details: { machine: name, path },
    });
  }
}

/** @throws KameError FILE_ACCESS naming the first ISO, floppy image, kernel or initrd that is missing */
export async function checkFiles(bundle: Bundle, model: MachineModel): Promise<void> {
  const isIso = (name: string) => model.cdroms.some(({ fileName }) => fileName === name);
  const { directBoot, seed } = model.kame;
  await checkFloppies(bundle, model);
  const needed = [
    ...model.cdroms.flatMap(({ fileName, startConnected }) =>
      fileName !== null && startConnected ? [fileName] : [],
    ),
    ...(directBoot
      ? [directBoot.kernel, ...(directBoot.initrd === undefined ? [] : [directBoot.initrd])]
      : []),
    ...(seed === undefined ? [] : [seed]),
  ];
  for (const name of needed) {
    const path = resolveIn(bundle.names, name);
    try {
      const found = await stat(path);
      if (!found.isFile()) throw new KameError('FILE_ACCESS', `${path} is not a file.`);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      throw new KameError('FILE_ACCESS', `${path} does not exist, but the .vmx refers to it.`, {
        next: isIso(name)
          ? `Restore the file, or take the ISO out with kame set ${bundle.name} cdrom=empty.`
          : 'Restore the file from a backup.',
        details: { machine: bundle.name, path },
        cause: error,
      });
    }
  }
}
