import type { PlanBuilder } from './builder.ts';
import { pciPlaces } from './pci.ts';

function attachUsb(builder: PlanBuilder, withInput: boolean): void {
  builder.pciDevice(pciPlaces.usb, { driver: 'qemu-xhci', id: 'usb0' });
  if (!withInput) return;
  builder.device({ driver: 'usb-kbd', id: 'keyboard0', bus: 'usb0.0', port: '1' });
  builder.device({ driver: 'usb-tablet', id: 'tablet0', bus: 'usb0.0', port: '2' });
}

/** Keyboard and an absolute pointer. */
export function attachInput(builder: PlanBuilder): void {
  const { arch, input, usb } = builder.input.model;
  const noPs2 = input === 'ps2' && arch === 'aarch64';
  if (noPs2) builder.note('Keyboard and pointer are USB devices: an ARM machine has no PS/2.');
  const onUsb = input === 'usb' || noPs2;
  if (onUsb || usb.present) attachUsb(builder, onUsb);
  if (input !== 'virtio') return;
  builder.pciDevice(pciPlaces.keyboard, { driver: 'virtio-keyboard-pci', id: 'keyboard0' });
  builder.pciDevice(pciPlaces.tablet, { driver: 'virtio-tablet-pci', id: 'tablet0' });
}
