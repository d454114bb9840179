import { bootDevices } from './devices.ts';
import { archOfGuestOs } from './guest-os.ts';
import type { MachineModel } from './machine.ts';
import { bundleFile, hasControls } from './paths.ts';
import { refused, type ModelProblem } from './problem.ts';
import { listOf } from './reading.ts';
import { isUuid, nilUuid } from './uuid.ts';
import {
  validateOldDevices,
  validateSerials,
  validateSharedFolders,
  validateStorage,
} from './validate-devices.ts';
import { validateNics } from './validate-nics.ts';

/** The limits of a machine. The limits of the host are checked elsewhere. */
export const limits = {
  cpus: { min: 1, max: 32 },
  /** In MiB; VMware requires a multiple of 4. */
  memoryMiB: { min: 64, max: 1024 * 1024, step: 4 },
  heads: { min: 1, max: 16 },
  graphicsMemoryKiB: { min: 1024, max: 16 * 1024 * 1024 },
  port: { min: 1, max: 65_535 },
  hardwareVersion: { min: 3, max: 99 },
} as const;

function ranged(key: string, value: number, range: { min: number; max: number }): ModelProblem[] {
  const fits = Number.isInteger(value) && value >= range.min && value <= range.max;
  return fits ? [] : [refused(key, value, `a whole number from ${range.min} to ${range.max}`)];
}

function when(wrong: boolean, problem: () => ModelProblem): ModelProblem[] {
  return wrong ? [problem()] : [];
}

function validateIdentity(model: MachineModel): ModelProblem[] {
  const arch = archOfGuestOs(model.guestOS);
  return [
    ...when(hasControls(model.displayName), () =>
      refused('displayName', model.displayName, 'a name without control characters'),
    ),
    ...when(!/^[A-Za-z0-9_.-]{1,80}$/.test(model.guestOS), () =>
      refused('guestOS', model.guestOS, 'the id of a guest system such as arm-debian12-64'),
    ),
    ...when(arch !== model.arch, () =>
      refused(
        'guestOS',
        model.guestOS,
        model.arch === 'aarch64' ? 'an id that starts with arm-' : 'an id without arm-',
      ),
    ),
    ...ranged('virtualHW.version', model.hardwareVersion, limits.hardwareVersion),
    ...when(!isUuid(model.uuid) || model.uuid === nilUuid, () =>
      refused('uuid.bios', model.uuid, '16 bytes in hex that are not all zero'),
    ),
  ];
}

function validateProcessors({ cpus, coresPerSocket }: MachineModel): ModelProblem[] {
  const allowed = `a divisor of numvcpus (${cpus})`;
  return [
    ...ranged('numvcpus', cpus, limits.cpus),
    ...when(!(coresPerSocket >= 1 && cpus % coresPerSocket === 0), () =>
      refused('cpuid.coresPerSocket', coresPerSocket, allowed),
    ),
  ];
}

function validateMemory({ memoryMiB }: MachineModel): ModelProblem[] {
  const { min, max, step } = limits.memoryMiB;
  const fits = Number.isInteger(memoryMiB) && memoryMiB >= min && memoryMiB <= max && memoryMiB % step === 0;
  return when(!fits, () =>
    refused('memsize', memoryMiB, `a multiple of ${step} from ${min} to ${max} (MiB)`),
  );
}

function validateBoot(model: MachineModel): ModelProblem[] {
  const { firmware, bootOrder, kame } = model;
  const { kind } = firmware;
  const order = bootOrder.join(',');
  const directBoot = kame.directBoot;
  const inBundle = 'a path inside the bundle of the machine';
  const files: (readonly [string, string | undefined])[] = [
    [firmware.vmwareNvram === undefined ? 'nvram' : 'kame.nvram', firmware.nvram],
    ['kame.boot.kernel', directBoot?.kernel],
    ['kame.boot.initrd', directBoot?.initrd],
    ['kame.seed', kame.seed],
  ];
  return [
    ...when(model.arch === 'aarch64' && kind === 'bios', () =>
      refused('firmware', kind, 'efi for an ARM guest'),
    ),
    ...when(firmware.secureBoot && kind === 'bios', () =>
      refused('uefi.secureBoot.enabled', 'TRUE', 'FALSE while the firmware is bios'),
    ),
    ...when(bootOrder.length === 0 || new Set(bootOrder).size < bootOrder.length, () =>
      refused('bios.bootOrder', order, `a list of ${listOf(bootDevices)}, each at most once`),
    ),
    ...files.flatMap(([key, path]) =>
      when(path !== undefined && !bundleFile(path), () => refused(key, path ?? '', inBundle)),
    ),
    ...when(directBoot !== undefined && /\p{Cc}/u.test(directBoot.commandLine), () =>
      refused('kame.boot.commandLine', directBoot?.commandLine ?? '', 'one line of text'),
    ),
  ];
}

function validatePeripherals(model: MachineModel): ModelProblem[] {
  return [
    ...ranged('svga.numDisplays', model.display.heads, limits.heads),
    ...ranged('svga.graphicsMemoryKB', model.display.graphicsMemoryKiB, limits.graphicsMemoryKiB),
    ...ranged('RemoteDisplay.vnc.port', model.vnc.port, limits.port),
    ...when(model.input === 'usb' && !model.usb.present, () =>
      refused('kame.input', model.input, 'virtio or ps2 while usb.present is FALSE'),
    ),
    ...when(model.arch === 'aarch64' && model.input === 'ps2', () =>
      refused('kame.input', model.input, 'usb or virtio for an ARM guest'),
    ),
    ...when(model.suspendedState !== '' && !bundleFile(model.suspendedState), () =>
      refused('checkpoint.vmState', model.suspendedState, 'a path inside the bundle of the machine'),
    ),
    ...when(!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(model.kame.machineType ?? 'virt'), () =>
      refused('kame.machineType', model.kame.machineType ?? '', 'a machine type of QEMU such as virt-7.2'),
    ),
  ];
}

/**
 * Checks everything that would keep the machine from running, or that VMware would reject. Returns a problem for each,
 * or an empty list. problemsToError converts the list to a KameError.
 */
export function validateModel(model: MachineModel): ModelProblem[] {
  return [
    ...validateIdentity(model),
    ...validateProcessors(model),
    ...validateMemory(model),
    ...validateBoot(model),
    ...validateStorage(model),
    ...validateNics(model),
    ...validateSerials(model),
    ...validateOldDevices(model),
    ...validateSharedFolders(model),
    ...validatePeripherals(model),
  ];
}
