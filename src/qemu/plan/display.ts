import { familyOfGuestOs } from '../../model/guest-os.ts';
import { hasDevice } from '../capabilities/capabilities.ts';
import { escapeValue, type DeviceOptions, type PlanBuilder } from './builder.ts';
import { audioBackend } from './extras.ts';
import { display3d, planGraphics } from './graphics.ts';
import { pciPlaces } from './pci.ts';
import type { PlannedGraphics } from './types.ts';

/** Rounds up to a power of two from 16 to 256 MiB, as the VGA device requires. */
function videoMemoryMiB(kib: number): number {
  return 2 ** Math.min(8, Math.max(4, Math.ceil(Math.log2(Math.max(1, kib / 1024)))));
}

function standardVga(builder: PlanBuilder): DeviceOptions {
  const { display } = builder.input.model;
  return { driver: 'VGA', id: 'video0', vgamem_mb: videoMemoryMiB(display.graphicsMemoryKiB) };
}

function virtio(builder: PlanBuilder, driver: string): DeviceOptions {
  return { driver, id: 'video0', max_outputs: Math.min(16, Math.max(1, builder.input.model.display.heads)) };
}

function attachVideo(builder: PlanBuilder): void {
  const { capabilities, model } = builder.input;
  const windows = familyOfGuestOs(model.guestOS) === 'windows';
  if (model.arch === 'aarch64' && windows && hasDevice(capabilities, 'ramfb')) {
    // Windows on ARM only has a driver for the frame buffer of the firmware, which is not a PCI device.
    builder.device({ driver: 'ramfb', id: 'video0' });
  } else if (model.arch === 'aarch64') {
    builder.pciDevice(pciPlaces.display, virtio(builder, 'virtio-gpu-pci'));
  } else if (windows || model.firmware.kind === 'bios' || !hasDevice(capabilities, 'virtio-vga')) {
    builder.pciDevice(pciPlaces.display, standardVga(builder));
  } else {
    builder.pciDevice(pciPlaces.display, virtio(builder, 'virtio-vga'));
  }
}

function attachVideo3d(builder: PlanBuilder): void {
  const { driver, more } = display3d(builder);
  builder.pciDevice(pciPlaces.display, { ...virtio(builder, driver), ...more });
}

/**
 * The screen: a video device for the guest, and VNC on a private socket, with the sound of the guest. It opens neither a window
 * nor a port.
 * @returns what became of the wish for 3D; null without one
 */
export function attachDisplay(builder: PlanBuilder): PlannedGraphics | null {
  const { display, sound } = builder.input.model;
  const graphics = planGraphics(builder);
  const accelerated = graphics?.accelerated === true;
  builder.option('display', accelerated ? 'egl-headless' : 'none');
  if (!display.present) return null;
  if (accelerated) attachVideo3d(builder);
  else attachVideo(builder);
  const audio = sound.present ? `,audiodev=${audioBackend}` : '';
  builder.option('vnc', `unix:${escapeValue(builder.sockets.vnc)}${audio}`);
  return graphics;
}
