import { chmod, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AddDisk, MachineDisk } from '../../api/checkpoint.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import { maxVirtualSize } from '../../disk/format/limits.ts';
import { createQcow2 } from '../../disk/qemu-img.ts';
import type { MachineModel } from '../../model/machine.ts';
import { refuseProblems } from '../../model/problem.ts';
import { compareControllers, compareSlots, slotName } from '../../model/slots.ts';
import { validateModel } from '../../model/validate.ts';
import { applyModel } from '../../model/write.ts';
import { contentOf, writeVmx, type Bundle } from '../../store/bundle.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { syncFiles } from '../../sys/files.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { changeDisks, journaled, emitChange } from './change-disk.ts';
import { describeNow } from './list.ts';
import { placeFor, type Place } from './place.ts';

/** The smallest new disk, in bytes. */
const minSize = 1024 * 1024;

/** @throws KameError INVALID_VALUE unless the size is 1 MiB to 64 TiB */
export function checkSize(sizeBytes: number): void {
  if (sizeBytes >= minSize && sizeBytes <= maxVirtualSize) return;
  throw new KameError(
    'INVALID_VALUE',
    `The size is ${formatSize(sizeBytes)}; it must be ${formatSize(minSize)} to ${formatSize(maxVirtualSize)}.`,
    { next: 'Choose a size within these limits, such as 20GiB.', details: { sizeBytes } },
  );
}

/** `diskN.qcow2` with the lowest N that no file, layer or snapshot uses. */
async function freeFileName(bundle: Bundle): Promise<string> {
  const { tree } = await readSnapshotFile(bundle.names);
  const named = [
    ...(await readdir(bundle.names.directory)),
    ...contentOf(bundle).model.disks.map(({ fileName }) => basename(fileName)),
    ...tree.snapshots.flatMap(({ disks }) => disks.map(({ fileName }) => basename(fileName))),
  ];
  const stems = new Set(named.map((name) => /^disk\d+/i.exec(name)?.[0].toLowerCase()));
  let number = 0;
  while (stems.has(`disk${number}`)) number += 1;
  return `disk${number}.qcow2`;
}

function withDisk(model: MachineModel, { slot, controller }: Place, fileName: string): MachineModel {
  const hasController = model.controllers.some(
    ({ bus, index }) => bus === controller.bus && index === controller.index,
  );
  const after: MachineModel = {
    ...model,
    controllers: hasController
      ? model.controllers
      : [...model.controllers, controller].sort(compareControllers),
    disks: [...model.disks, { ...slot, fileName, mode: 'persistent' as const }].sort(compareSlots),
  };
  const before = new Set(validateModel(model).map(({ message }) => message));
  refuseProblems(validateModel(after).filter(({ message }) => !before.has(message)));
  return after;
}

/**
 * Adds an empty disk to a stopped machine, with its file, or not at all.
 * @throws KameError WRONG_STATE unless the machine is stopped, INVALID_VALUE, ALREADY_EXISTS, DISK_FULL, ENGINE_MISSING
 */
export async function addDisk(
  host: Host,
  reference: string,
  body: AddDisk,
  progress: Progress,
): Promise<MachineDisk> {
  checkSize(body.sizeBytes);
  return await changeDisks(host, reference, async (bundle) => {
    const { document, model } = contentOf(bundle);
    const place = placeFor(model, body.slot);
    const name = await freeFileName(bundle);
    const after = withDisk(model, place, name);
    const slot = slotName(place.slot);
    if (progress.signal.aborted) throw new KameError('CANCELLED', 'Nothing was added.');
    const program = await qemuImg(host);
    const path = join(bundle.names.directory, name);
    // First the file, then the .vmx: recovery removes an unused file, but a missing file would break the machine.
    await journaled(host, bundle, { kind: 'disk', files: [name], kept: null }, async () => {
      await createQcow2({ qemuImg: program, path, sizeBytes: body.sizeBytes });
      await chmod(path, 0o600);
      await syncFiles(bundle.names.directory, [path]);
      await writeVmx(bundle.names.vmx, applyModel(document, model, after));
    });
    await emitChange(host, bundle, `The disk ${slot} was added to ${bundle.name}: ${name}.`);
    return await describeNow(host, bundle.names.vmx, slot);
  });
}
