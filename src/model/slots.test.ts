import { describe, expect, it } from 'vitest';
import type { StorageSlot } from './machine.ts';
import { compareControllers, compareSlots, controllerName, slotName } from './slots.ts';

const slot = (bus: StorageSlot['bus'], controller: number, unit: number): StorageSlot => ({
  bus,
  controller,
  unit,
});

describe('slots', () => {
  it('have the names used in the .vmx', () => {
    expect(slotName(slot('scsi', 1, 12))).toBe('scsi1:12');
    expect(controllerName({ bus: 'nvme', index: 0 })).toBe('nvme0');
  });

  it('are ordered by bus, controller and unit', () => {
    const mixed = [slot('ide', 0, 0), slot('nvme', 1, 0), slot('nvme', 0, 10), slot('nvme', 0, 2)];
    expect(mixed.sort(compareSlots).map(slotName)).toEqual(['nvme0:2', 'nvme0:10', 'nvme1:0', 'ide0:0']);
  });

  it('and controllers have the same order', () => {
    const mixed = [
      { bus: 'scsi', index: 0, model: 'pvscsi' },
      { bus: 'sata', index: 1, model: 'ahci' },
      { bus: 'sata', index: 0, model: 'ahci' },
    ] as const;
    expect([...mixed].sort(compareControllers).map(controllerName)).toEqual(['sata0', 'sata1', 'scsi0']);
  });
});
