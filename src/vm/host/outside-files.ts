import { realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { shellQuote } from '../../core/shell-word.ts';
import { layersOf, readChain } from '../../disk/chain.ts';
import { filesOfDisk } from '../../disk/disk-files.ts';
import type { MachineModel } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { Bundle } from '../../store/bundle.ts';
import { isBundle, resolveIn, type MachineNames } from '../../store/names.ts';
import type { Host } from './host.ts';

/**
 * A file of the host outside a machine's directory that its `.vmx` would give to the guest. Anyone may have written the
 * `.vmx`, so such a file is used only if a person has agreed to it by name.
 */
export interface OutsideFile {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** For people: `disk nvme0:0`. */
  readonly use: string;
  /** The guest can change it. */
  readonly writable: boolean;
}

type NamedFile = Omit<OutsideFile, 'path'> & { readonly fileName: string };

/** All files that a `.vmx` names. */
function namedFiles({ disks, cdroms, floppies, firmware, kame }: MachineModel): NamedFile[] {
  const { seed, directBoot } = kame;
  const named: NamedFile[] = disks.map((disk) => {
    const writable = disk.mode !== 'independent-nonpersistent';
    return { fileName: disk.fileName, use: `disk ${slotName(disk)}`, writable };
  });
  for (const drive of cdroms) {
    if (drive.fileName === null) continue;
    named.push({ fileName: drive.fileName, use: `CD ${slotName(drive)}`, writable: false });
  }
  for (const { fileName, index } of floppies) {
    if (fileName !== null) named.push({ fileName, use: `floppy${index}`, writable: false });
  }
  const initrd = directBoot?.initrd;
  if (directBoot) named.push({ fileName: directBoot.kernel, use: 'kernel', writable: false });
  if (initrd !== undefined) named.push({ fileName: initrd, use: 'initrd', writable: false });
  if (seed !== undefined) named.push({ fileName: seed, use: 'cloud-init seed', writable: false });
  if (!directBoot) named.push({ fileName: firmware.nvram, use: 'EFI variables', writable: true });
  return named;
}

/** The real path of a file; if it does not exist, that of its directory with its name. */
async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const directory = await realpath(dirname(path)).catch(() => dirname(resolve(path)));
    return join(directory, basename(path));
  }
}

/** Names that the files of a machine have, for a `.vmx` in a directory with other files. */
const machineExtensions = new Set(['.vmdk', '.qcow2', '.img', '.raw', '.iso', '.flp', '.nvram', '.fd']);

/** Whether a file belongs to the machine. A `.vmx` outside a bundle does not own the other files of its directory. */
function isInside(directory: string, path: string): boolean {
  if (isBundle(directory)) return path.startsWith(directory + sep);
  return dirname(path) === directory && machineExtensions.has(extname(path).toLowerCase());
}

/** The layers beneath a disk outside, as far as they can be read: the guest reads them too. */
async function layersBeneath(path: string): Promise<string[]> {
  const options = { inside: [dirname(path)], tables: false };
  const chain = await readChain(path, options).catch(() => undefined);
  return chain
    ? layersOf(chain)
        .slice(1)
        .map((layer) => layer.path)
    : [];
}

/** The files of another program whose content the guest reads in place. */
async function originalsBeneath(path: string): Promise<string[]> {
  return (await filesOfDisk(path)).originals.map((original) => original.path);
}

/** The files outside a machine's directory that it would use, in the order of its devices. */
export async function outsideFiles(names: MachineNames, model: MachineModel): Promise<OutsideFile[]> {
  const directory = await realPath(names.directory);
  const found = new Map<string, OutsideFile>();
  for (const { fileName, use, writable } of namedFiles(model)) {
    const path = await realPath(resolveIn(names, fileName));
    if (use.startsWith('disk')) {
      for (const original of await originalsBeneath(path))
        found.set(original, { path: original, use: `original of ${use}`, writable: false });
    }
    if (isInside(directory, path)) continue;
    found.set(path, { path, use, writable: writable || found.get(path)?.writable === true });
    if (!use.startsWith('disk')) continue;
    for (const layer of await layersBeneath(path)) {
      if (!found.has(layer)) found.set(layer, { path: layer, use: `layer of ${use}`, writable: false });
    }
  }
  return [...found.values()];
}

/** The outside files of a machine, each with the answer of the person. Empty for a broken machine. */
export async function agreements(
  host: Host,
  { names, content }: Bundle,
  model: MachineModel | undefined = content?.model,
): Promise<Array<OutsideFile & { readonly agreed: boolean }>> {
  const files = model ? await outsideFiles(names, model) : [];
  if (files.length === 0) return [];
  const agreed = new Set(await host.inventory.agreedFiles(names.vmx));
  return files.map((file) => ({ ...file, agreed: agreed.has(file.path) }));
}

/** `/srv/a.iso (CD sata0:1)` */
function fileText({ path, use, writable }: OutsideFile): string {
  return `${path} (${use}${writable ? ', writable' : ''})`;
}

/**
 * Refuses a machine that would use files outside its directory to which nobody has agreed.
 * @throws KameError OUTSIDE_FILES naming them
 */
export async function requireAgreed(host: Host, bundle: Bundle, model?: MachineModel): Promise<void> {
  const missing = (await agreements(host, bundle, model)).filter(({ agreed }) => !agreed);
  if (missing.length === 0) return;
  const { vmx } = bundle.names;
  throw new KameError(
    'OUTSIDE_FILES',
    `${vmx} gives the guest files outside the machine’s directory: ${missing.map(fileText).join(', ')}.`,
    {
      next: `If you trust the machine with them: kame register ${shellQuote(vmx)} --allow-outside`,
      details: { machine: bundle.name, path: vmx },
    },
  );
}

/** Records that a person has named these files for a machine, such as the ISO of a new machine. */
export async function agree(
  host: Host,
  vmx: string,
  files: readonly Pick<OutsideFile, 'path'>[],
): Promise<void> {
  if (files.length === 0) return;
  const known = await host.inventory.agreedFiles(vmx);
  await host.inventory.agree(vmx, [...known, ...files.map(({ path }) => path)]);
}
