import type { MachineDisk } from '../../api/checkpoint.ts';
import { messageOf } from '../../core/errors.ts';
import { layersOf, readChain } from '../../disk/chain.ts';
import type { Disk } from '../../model/machine.ts';
import { slotName } from '../../model/slots.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { resolveIn } from '../../store/names.ts';
import { allocatedBytes } from '../../sys/files.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { layerDirectories } from '../layers/chains.ts';

/** Describes a disk with all its layers. Damage is reported in `problem` and never thrown. */
export async function describeDisk(
  bundle: Bundle,
  disk: Disk,
  inside: readonly string[],
): Promise<MachineDisk> {
  const controller = bundle.content?.model.controllers.find(
    ({ bus, index }) => bus === disk.bus && index === disk.controller,
  );
  const path = resolveIn(bundle.names, disk.fileName);
  const base = { slot: slotName(disk), device: controller?.model ?? disk.bus, path };
  try {
    const top = await readChain(path, { inside, tables: false });
    const layers = layersOf(top);
    const corrupt = layers.find((layer) => layer.corrupt);
    return {
      ...base,
      format: top.format,
      sizeBytes: top.virtualSize,
      allocatedBytes: top.allocatedBytes,
      layers: layers.map((layer) => ({ path: layer.path, allocatedBytes: layer.allocatedBytes })),
      problem: corrupt ? `${corrupt.path} is marked as corrupt.` : null,
    };
  } catch (error) {
    const bytes = (await allocatedBytes(path)) ?? null;
    return {
      ...base,
      format: null,
      sizeBytes: null,
      allocatedBytes: bytes,
      layers: [{ path, allocatedBytes: bytes }],
      problem: messageOf(error),
    };
  }
}

/** Like describeDisk, after a change of the `.vmx`. */
export async function describeNow(host: Host, vmx: string, slot: string): Promise<MachineDisk> {
  const bundle = await host.bundles.read(vmx);
  const disk = contentOf(bundle).model.disks.find((each) => slotName(each) === slot) as Disk;
  return await describeDisk(bundle, disk, await layerDirectories(host, bundle));
}

/**
 * The disks of a machine in any state. A disk with a damaged or missing layer has a `problem`.
 * @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE when the `.vmx` cannot be read
 */
export async function listDisks(host: Host, reference: string): Promise<MachineDisk[]> {
  const bundle = await findBundle(host, reference);
  const disks = bundle.content?.model.disks ?? contentOf(bundle).model.disks;
  const inside = await layerDirectories(host, bundle).catch(() => [bundle.names.directory]);
  return await Promise.all(disks.map(async (disk) => await describeDisk(bundle, disk, inside)));
}
