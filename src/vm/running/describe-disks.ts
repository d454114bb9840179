import type { DiskInfo, Problem } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import { readChain } from '../../disk/chain.ts';
import { openVmdk } from '../../disk/vmdk/vmdk-disk.ts';
import type { Disk, MachineModel, StorageSlot } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import type { Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';

/** What can be told about a disk. */
export interface DescribedDisk {
  readonly info: DiskInfo;
  /** Why the machine cannot start with it. */
  readonly problem?: Problem;
}

function deviceOf(model: MachineModel, slot: StorageSlot): string {
  const controller = model.controllers.find(
    (each) => each.bus === slot.bus && each.index === slot.controller,
  );
  return controller?.model ?? slot.bus;
}

/** The size of a VMDK, if it is intact. @throws KameError as openVmdk */
async function vmdkSize(path: string): Promise<number> {
  await using disk = await openVmdk(path);
  return disk.size;
}

type Found = Pick<DiskInfo, 'format' | 'sizeBytes' | 'allocatedBytes'> & { readonly problem?: string };

const unreadable = { format: null, sizeBytes: null, allocatedBytes: null };

function sentence(error: unknown): string {
  if (!(error instanceof KameError)) throw error;
  return `${error.message} ${error.next}`;
}

/** A VMDK can be read and imported, but no machine can run on it. */
async function lookAtVmdk(slot: string, path: string): Promise<Found> {
  try {
    const sizeBytes = await vmdkSize(path);
    const problem = `${slot} is a VMDK, and a machine needs a qcow2 to start. \`kame import PATH\`, with the path of the .vmx, makes a machine with copies of its disks, and ${path} stays as it is.`;
    return { format: 'vmdk', sizeBytes, allocatedBytes: null, problem };
  } catch (error) {
    return { ...unreadable, format: 'vmdk', problem: sentence(error) };
  }
}

async function look(slot: string, path: string, inside: readonly string[]): Promise<Found> {
  try {
    const { format, virtualSize, allocatedBytes } = await readChain(path, { inside, tables: false });
    return { format, sizeBytes: virtualSize, allocatedBytes };
  } catch (error) {
    if (error instanceof KameError && error.details['format'] === 'vmdk') return await lookAtVmdk(slot, path);
    return { ...unreadable, problem: sentence(error) };
  }
}

/** The disks of a machine, with what keeps it from starting. */
export async function describeDisks(
  host: Host,
  bundle: Bundle,
  model: MachineModel,
): Promise<DescribedDisk[]> {
  const { names } = bundle;
  const inside = await layerDirectories(host, bundle).catch(() => [names.directory]);
  const describeDisk = async (disk: Disk): Promise<DescribedDisk> => {
    const slot = slotName(disk);
    const path = resolveIn(names, disk.fileName);
    const { problem, ...found } = await look(slot, path, inside);
    const info = { slot, device: deviceOf(model, disk), path, ...found };
    if (problem === undefined) return { info };
    return { info, problem: { severity: 'warning', key: `${slot}.fileName`, message: problem } };
  };
  return await Promise.all(model.disks.map(describeDisk));
}
