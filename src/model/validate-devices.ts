import { buses, diskModes, maxSerials, maxSharedFolders, scsiReservedUnit } from './devices.ts';
import type { Controller, MachineModel, StorageSlot } from './machine.ts';
import { absolutePath, hasControls, plainPath } from './paths.ts';
import { refused, type ModelProblem } from './problem.ts';
import { serialKinds } from './read-devices.ts';
import { listOf } from './reading.ts';
import { controllerName, slotName } from './slots.ts';

const pathAllowed = 'a path without control characters';

/** A problem for each further occurrence of a name. */
export function duplicates(names: readonly string[], suffix: string): ModelProblem[] {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    if (seen.has(name)) return [refused(`${name}.${suffix}`, 'TRUE', `TRUE for only one ${name}`)];
    seen.add(name);
    return [];
  });
}

export function numbered(key: string, index: number, count: number): ModelProblem[] {
  const fits = Number.isInteger(index) && index >= 0 && index < count;
  return fits ? [] : [refused(key, index, `a number from 0 to ${count - 1}`)];
}

function validateController({ bus, index, model }: Controller): ModelProblem[] {
  const name = controllerName({ bus, index });
  const known = buses[bus];
  const wrong = known.models.includes(model)
    ? []
    : [refused(`kame.${name}.device`, model, listOf(known.models))];
  return [...numbered(`${name}.present`, index, known.controllers), ...wrong];
}

function validateSlot(slot: StorageSlot, controllers: readonly Controller[]): ModelProblem[] {
  const key = `${slotName(slot)}.present`;
  const present = controllers.some(({ bus, index }) => bus === slot.bus && index === slot.controller);
  if (!present)
    return [
      refused(
        key,
        'TRUE',
        `FALSE while ${controllerName({ bus: slot.bus, index: slot.controller })} is not present`,
      ),
    ];
  if (slot.bus === 'scsi' && slot.unit === scsiReservedUnit) {
    return [refused(key, 'TRUE', 'FALSE for unit 7, which is the controller')];
  }
  return numbered(key, slot.unit, buses[slot.bus].units);
}

/** Controllers, disks and CD drives. */
export function validateStorage({ controllers, disks, cdroms }: MachineModel): ModelProblem[] {
  const devices: readonly StorageSlot[] = [...disks, ...cdroms];
  return [
    ...controllers.flatMap(validateController),
    ...duplicates(controllers.map(controllerName), 'present'),
    ...devices.flatMap((slot) => validateSlot(slot, controllers)),
    ...duplicates(devices.map(slotName), 'present'),
    ...disks.flatMap((disk) =>
      diskModes.includes(disk.mode) ? [] : [refused(`${slotName(disk)}.mode`, disk.mode, listOf(diskModes))],
    ),
    ...[...disks, ...cdroms].flatMap((drive) =>
      drive.fileName === null || plainPath(drive.fileName)
        ? []
        : [refused(`${slotName(drive)}.fileName`, drive.fileName, pathAllowed)],
    ),
  ];
}

/** Serial ports. */
export function validateSerials({ serials }: MachineModel): ModelProblem[] {
  const names = serials.map(({ index }) => `serial${index}`);
  return [
    ...serials.flatMap(({ index, kind, fileName }) => {
      const problems = numbered(`serial${index}.present`, index, maxSerials);
      if (!serialKinds.includes(kind))
        problems.push(refused(`serial${index}.fileType`, kind, listOf(serialKinds)));
      if (fileName !== '' && !plainPath(fileName))
        problems.push(refused(`serial${index}.fileName`, fileName, pathAllowed));
      return problems;
    }),
    ...duplicates(names, 'present'),
  ];
}

/** Floppy drives and parallel ports: their paths are shown and written. */
export function validateOldDevices({ floppies, parallels }: MachineModel): ModelProblem[] {
  const paths = [
    ...floppies.map(({ index, fileName }) => [`floppy${index}.fileName`, fileName ?? ''] as const),
    ...parallels.map(({ index, fileName }) => [`parallel${index}.fileName`, fileName] as const),
  ];
  return paths.flatMap(([key, path]) =>
    path === '' || plainPath(path) ? [] : [refused(key, path, pathAllowed)],
  );
}

/** Shared folders. */
export function validateSharedFolders({ sharedFolders }: MachineModel): ModelProblem[] {
  const names = new Set<string>();
  return [
    ...sharedFolders.flatMap(({ index, guestName, hostPath }) => {
      const name = `sharedFolder${index}`;
      const problems = numbered(`${name}.present`, index, maxSharedFolders);
      if (!absolutePath(hostPath)) problems.push(refused(`${name}.hostPath`, hostPath, 'an absolute path'));
      const plain =
        guestName !== '' && guestName.length <= 255 && !/[/\\]/.test(guestName) && !hasControls(guestName);
      if (!plain || guestName === '.' || guestName === '..') {
        problems.push(
          refused(`${name}.guestName`, guestName, 'a name without slashes or control characters'),
        );
      }
      if (names.has(guestName))
        problems.push(refused(`${name}.guestName`, guestName, 'a name that no other folder has'));
      names.add(guestName);
      return problems;
    }),
    ...duplicates(
      sharedFolders.map(({ index }) => `sharedFolder${index}`),
      'present',
    ),
  ];
}
