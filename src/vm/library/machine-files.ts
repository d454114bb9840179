import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MachineFiles } from '../../api/library.ts';
import { isDiskImage } from '../../disk/probe.ts';
import { extentFiles } from '../../disk/vmdk/extent-files.ts';
import { directBootFiles } from '../../model/device-settings.ts';
import type { Bundle } from '../../store/bundle.ts';
import { checkpointFiles, listCheckpoints } from '../../store/checkpoint.ts';
import {
  checkpointNames,
  isBundle,
  isVariablesFile,
  resolveIn,
  type MachineNames,
} from '../../store/names.ts';
import { readJournal } from '../../store/journal.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { fileError, isTaken, isTemporaryName } from '../../sys/files.ts';
import { allBundles, findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { seedFileName } from './new-machine.ts';

/** Files that VMware keeps in the bundle of a machine, besides its disks, which are known by their content. */
const vmwareFile = /\.(?:vmx|vmxf|vmsd|vmsn|vmss|vmem|nvram|vmdk|qcow2|scoreboard)$|^vmware(?:-\d+)?\.log$/i;

/** The files that Kame keeps beside every `.vmx`. */
function ownFiles(names: MachineNames): string[] {
  const { vmx, snapshots, log, serialLog, stallImage, journal, lock } = names;
  return [vmx, snapshots, log, serialLog, stallImage, journal, lock];
}

/** The files of a machine that `.vmx` and `.vmsd` name as disks. */
async function diskFiles({ names, content }: Bundle): Promise<string[]> {
  const { tree } = await readSnapshotFile(names).catch(() => ({ tree: { snapshots: [] } }));
  const disks = [...(content?.model.disks ?? []), ...tree.snapshots.flatMap((snapshot) => snapshot.disks)];
  return disks.map(({ fileName }) => resolveIn(names, fileName));
}

/** Names of other files that `kame create` makes in a bundle. */
const madeFiles: ReadonlySet<string> = new Set([
  directBootFiles.kernel,
  directBootFiles.initrd,
  seedFileName,
]);

/** A raw disk cannot be told from other files: only in the home, where Kame has made it, it is one. */
function isRawDisk(host: Host, { names, content }: Bundle, name: string): boolean {
  const disks = content?.model.disks ?? [];
  return host.inventory.owns(names.vmx) && disks.some(({ fileName }) => fileName === name);
}

/** The files of all checkpoints, without those of a directory that is a link or not ours. */
async function savedFiles(names: MachineNames): Promise<string[]> {
  const ids = await listCheckpoints(names).catch(() => []);
  const files = await Promise.all(ids.map(async (id) => await checkpointFiles(checkpointNames(names, id))));
  return files.flat();
}

async function isOurs(host: Host, bundle: Bundle, entry: Dirent): Promise<boolean> {
  if (!entry.isFile()) return false;
  const { names } = bundle;
  const path = join(names.directory, entry.name);
  if (ownFiles(names).includes(path) || isTemporaryName(entry.name) || vmwareFile.test(entry.name))
    return true;
  if (madeFiles.has(entry.name) || isRawDisk(host, bundle, entry.name)) return true;
  return await isDiskImage(path);
}

async function sortBundle(host: Host, bundle: Bundle): Promise<MachineFiles> {
  const { names } = bundle;
  const deleted: string[] = [];
  const kept: string[] = [];
  const saved = new Set(await savedFiles(names));
  for (const entry of await readdir(names.directory, { withFileTypes: true })) {
    const path = join(names.directory, entry.name);
    if (path === names.checkpoints && entry.isDirectory()) {
      const inside = await readdir(path, { recursive: true, withFileTypes: true });
      const files = inside
        .filter((each) => !each.isDirectory())
        .map((each) => join(each.parentPath, each.name));
      deleted.push(...files.filter((file) => saved.has(file)));
      kept.push(...files.filter((file) => !saved.has(file)));
    } else if (await isOurs(host, bundle, entry)) deleted.push(path);
    else kept.push(path);
  }
  return { deleted, kept };
}

/** Disks that another machine of the list names too. */
async function disksOfOthers(host: Host, { names }: Bundle): Promise<Set<string>> {
  const others = (await allBundles(host)).filter((other) => other.names.vmx !== names.vmx);
  return new Set((await Promise.all(others.map(diskFiles))).flat());
}

/** A `.vmx` outside a bundle does not own its directory: only its own files, and disk images that nothing else uses. */
async function sortLoose(host: Host, bundle: Bundle): Promise<MachineFiles> {
  const { names } = bundle;
  const used = await disksOfOthers(host, bundle);
  const deleted: string[] = [];
  const kept: string[] = [];
  // A journal that Kame did not write is not the machine's.
  const journal = await readJournal(host.names, names).catch(() => undefined);
  const own = ownFiles(names).filter((path) => path !== names.journal || journal !== undefined);
  for (const path of [...own, ...(await savedFiles(names))]) {
    if ((await lstat(path).catch(() => undefined))?.isFile() === true) deleted.push(path);
  }
  for (const path of new Set(await diskFiles(bundle))) {
    if (!(await isTaken(path))) continue;
    const isBeside = dirname(path) === names.directory && !used.has(path);
    if (!isBeside || !(await isDiskImage(path))) kept.push(path);
    else deleted.push(path, ...(await extentFiles(path)));
  }
  const nvram = bundle.content && resolveIn(names, bundle.content.model.firmware.nvram);
  if (nvram !== undefined && isVariablesFile(names, nvram) && (await isTaken(nvram))) deleted.push(nvram);
  return { deleted, kept };
}

/**
 * The files of a machine, as a deletion treats them: `deleted` are those that Kame made, disk images and other files of
 * virtual machines; `kept` is everything else in the bundle, and the disks that the `.vmx` names elsewhere.
 * @throws KameError FILE_ACCESS
 */
export async function machineFiles(host: Host, bundle: Bundle): Promise<MachineFiles> {
  const { names } = bundle;
  try {
    if (!isBundle(names.directory)) return await sortLoose(host, bundle);
    const sorted = await sortBundle(host, bundle);
    const elsewhere = (await diskFiles(bundle)).filter((path) => dirname(path) !== names.directory);
    return { ...sorted, kept: [...new Set([...sorted.kept, ...elsewhere])] };
  } catch (error) {
    throw fileError(error, names.directory);
  }
}

/** The files of a machine of the list. @throws KameError NO_SUCH_MACHINE, FILE_ACCESS */
export async function showFiles(host: Host, reference: string): Promise<MachineFiles> {
  return await machineFiles(host, await findBundle(host, reference));
}
