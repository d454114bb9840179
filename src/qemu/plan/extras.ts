import { familyOfGuestOs } from '../../model/guest-os.ts';
import { integratedHardware } from '../../model/hardware.ts';
import { hasDevice, supports } from '../capabilities/capabilities.ts';
import { escapeValue, type PlanBuilder } from './builder.ts';
import { hardwareOf, interfaceOf } from './netdevs.ts';
import { pciPlaces } from './pci.ts';

/**
 * Whether QEMU starts its bridge helper. A sandbox that denies `spawn` kills the engine then, and any sandbox sets
 * no_new_privs, with which the setuid bit of the helper has no effect (both tried with 7.2).
 */
function usesBridgeHelper({ input }: PlanBuilder): boolean {
  return input.model.nics.some((nic) => interfaceOf(nic, input.bridges)?.kind === 'bridge');
}

/** Name and UUID, no default devices, and the sandbox. */
export function attachIdentity(builder: PlanBuilder): void {
  const { capabilities, model } = builder.input;
  builder.option('nodefaults');
  builder.option('no-user-config');
  builder.option('name', `guest=${escapeValue(model.displayName)},debug-threads=on`);
  builder.option('uuid', model.uuid);
  if (supports(capabilities, 'message-timestamp')) builder.option('msg', 'timestamp=on');
  if (usesBridgeHelper(builder)) {
    builder.note(
      'The engine runs without its sandbox: QEMU’s bridge helper needs a right that the sandbox forbids. A network on a tap device keeps the sandbox.',
    );
  } else if (supports(capabilities, 'sandbox')) {
    const denied = ['obsolete', 'elevateprivileges', 'spawn', 'resourcecontrol'];
    builder.option('sandbox', `on,${denied.map((what) => `${what}=deny`).join(',')}`);
  }
}

/** Windows keeps local time in the hardware clock, other systems UTC. */
export function attachClock(builder: PlanBuilder): void {
  const family = familyOfGuestOs(builder.input.model.guestOS);
  builder.option('rtc', `base=${family === 'windows' ? 'localtime' : 'utc'}`);
}

/** Small devices that help every guest: entropy, memory balloon, crash notification, generation id for clones. */
export function attachHelpers(builder: PlanBuilder): void {
  const { capabilities } = builder.input;
  builder.object({ 'qom-type': 'rng-builtin', id: 'rng0' });
  builder.pciDevice(pciPlaces.random, { driver: 'virtio-rng-pci', id: 'random0', rng: 'rng0' });
  builder.pciDevice(pciPlaces.balloon, { driver: 'virtio-balloon-pci', id: 'balloon0' });
  if (hasDevice(capabilities, 'pvpanic-pci')) {
    builder.pciDevice(pciPlaces.panic, { driver: 'pvpanic-pci', id: 'panic0' });
    // Lets the guest handle a crash itself (dump, restart); by default, QEMU would end.
    if (supports(capabilities, 'panic-action')) builder.option('action', 'panic=none');
  }
  if (hasDevice(capabilities, 'vmgenid')) builder.device({ driver: 'vmgenid', id: 'genid0', guid: 'auto' });
}

/** The id of the SCSI controller into which disks are plugged that carry files into the running guest. */
export const transferController = 'transfer0';

/** An empty SCSI controller: what is plugged into it, the guest sees at once, and it is unplugged without its consent. */
export function attachTransfer(builder: PlanBuilder): void {
  const { capabilities, model } = builder.input;
  if (hardwareOf(model) < integratedHardware || !hasDevice(capabilities, 'virtio-scsi-pci')) return;
  builder.pciDevice(pciPlaces.transfer, { driver: 'virtio-scsi-pci', id: transferController });
}

/** The id of the backend of the sound card. */
export const audioBackend = 'audio0';
/** The id of the sound card. */
export const soundCard = 'sound0';

/** A sound card. Nothing of the host plays what it puts out; who listens to the display may have it. */
export function attachSound(builder: PlanBuilder): void {
  const { sound, arch } = builder.input.model;
  if (!sound.present) return;
  builder.option('audiodev', `none,id=${audioBackend}`);
  if (sound.model === 'sb16' && arch === 'x86_64') {
    builder.device({ driver: 'sb16', id: soundCard, audiodev: audioBackend });
  } else if (sound.model === 'es1371' && arch === 'x86_64') {
    builder.note('sound.virtualDev is es1371; the guest sees the similar ES1370, which QEMU emulates.');
    builder.pciDevice(pciPlaces.sound, { driver: 'ES1370', id: soundCard, audiodev: audioBackend });
  } else {
    builder.pciDevice(pciPlaces.sound, { driver: 'intel-hda', id: 'hda0' });
    builder.device({ driver: 'hda-duplex', id: soundCard, bus: 'hda0.0', cad: 0, audiodev: audioBackend });
  }
}

/** Notes for people about this machine. */
export function addNotes(builder: PlanBuilder): void {
  const { accelerator, model } = builder.input;
  if (accelerator.kind === 'tcg') {
    builder.note(
      'The guest is emulated (TCG), which is slower and not a security boundary; the engine runs in a sandbox.',
    );
  }
  if (model.tpm) builder.note('vtpm.present is TRUE, but TPMs are not supported yet.');
  if (model.vnc.enabled)
    builder.note(
      'RemoteDisplay.vnc.enabled is TRUE, but no port is opened: the screen is on a private socket.',
    );
}
