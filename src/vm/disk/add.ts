import { chmod, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { formatSize } from '../../core/units.ts';
import type { AddDisk, MachineDisk } from '../../api/checkpoint.ts';
import { maxVirtualSize } from '../../disk/format/limits.ts';
import { createQcow2 } from '../../disk/qemu-img.ts';
import { slotName } from '../../qemu/plan/controllers.ts';
import type { MachineSpec } from '../../model/machine.ts';
import { compareControllers, compareSlots } from '../../model/read-storage.ts';
import { validateSpec } from '../../model/validate.ts';
import { applySpec } from '../../model/write.ts';
import { contentOf, writeMachineFile, type MachineFile } from '../../store/bundle.ts';
import { readSnapshotFile } from '../../store/snapshot-file.ts';
import { syncFiles } from '../../sys/files.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import { refuseProblems } from '../library/settings.ts';
import { changeDisks, journaled, tellChange } from './change-disk.ts';
import { describeNow } from './list.ts';
import { placeFor, type Place } from './place.ts';

/** Bytes of the smallest disk that is made. */
const minSize = 1024 * 1024;

/** @throws KameError INVALID_VALUE outside of 1 MiB to 64 TiB */
function checkSize(sizeBytes: number): void {
  if (sizeBytes >= minSize && sizeBytes <= maxVirtualSize) return;
  throw new KameError(
    'INVALID_VALUE',
    `The size is ${formatSize(sizeBytes)}; allowed is ${formatSize(minSize)} to ${formatSize(maxVirtualSize)}.`,
    { next: 'Name a size within these limits, such as 20GiB.', details: { sizeBytes } },
  );
}

/** `diskN.qcow2` with the lowest N of which no file, no layer and no snapshot has the name. */
async function freeFileName(file: MachineFile): Promise<string> {
  const { tree } = await readSnapshotFile(file.names);
  const named = [
    ...(await readdir(file.names.directory)),
    ...contentOf(file).spec.disks.map(({ fileName }) => basename(fileName)),
    ...tree.snapshots.flatMap(({ disks }) => disks.map(({ fileName }) => basename(fileName))),
  ];
  const stems = new Set(named.map((name) => /^disk\d+/i.exec(name)?.[0].toLowerCase()));
  let number = 0;
  while (stems.has(`disk${number}`)) number += 1;
  return `disk${number}.qcow2`;
}

function withDisk(spec: MachineSpec, { slot, controller }: Place, fileName: string): MachineSpec {
  const there = spec.controllers.some(
    ({ bus, index }) => bus === controller.bus && index === controller.index,
  );
  const after: MachineSpec = {
    ...spec,
    controllers: there ? spec.controllers : [...spec.controllers, controller].sort(compareControllers),
    disks: [...spec.disks, { ...slot, fileName, mode: 'persistent' as const }].sort(compareSlots),
  };
  const before = new Set(validateSpec(spec).map(({ message }) => message));
  refuseProblems(validateSpec(after).filter(({ message }) => !before.has(message)));
  return after;
}

/**
 * Adds an empty disk to a stopped machine. It is there with its file or not at all.
 * @throws KameError WRONG_STATE unless the machine is stopped, INVALID_VALUE, ALREADY_EXISTS, DISK_FULL, ENGINE_MISSING
 */
export async function addDisk(
  host: Host,
  reference: string,
  body: AddDisk,
  progress: Progress,
): Promise<MachineDisk> {
  checkSize(body.sizeBytes);
  return await changeDisks(host, reference, async (file) => {
    const { document, spec } = contentOf(file);
    const place = placeFor(spec, body.slot);
    const name = await freeFileName(file);
    const after = withDisk(spec, place, name);
    const slot = slotName(place.slot);
    if (progress.signal.aborted) throw new KameError('CANCELLED', 'Nothing was added.');
    const program = await qemuImg(host);
    const path = join(file.names.directory, name);
    // First the file, then the .vmx that names it: a file too many is removed, one too few would break the machine.
    await journaled(host, file, { kind: 'disk', files: [name], kept: null }, async () => {
      await createQcow2({ qemuImg: program, path, sizeBytes: body.sizeBytes });
      await chmod(path, 0o600);
      await syncFiles(file.names.directory, [path]);
      await writeMachineFile(file.names.vmx, applySpec(document, spec, after));
    });
    await tellChange(host, file, `The disk ${slot} was added to ${file.name}: ${name}.`);
    return await describeNow(host, file.names.vmx, slot);
  });
}
