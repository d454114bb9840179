import { archOfGuestOs } from './guest-os.ts';
import type { MachineSpec } from './machine.ts';
import { bootDevices } from './devices.ts';
import { refused, type SpecProblem } from './problem.ts';
import { listOf } from './reading.ts';
import { isUuid, nilUuid } from './uuid.ts';
import { validateNics, validateSerials, validateSharedFolders, validateStorage } from './validate-devices.ts';
import { bundleFile, hasControls } from './paths.ts';

/** What a machine may have. The host's own limits are checked where the host is known. */
export const limits = {
  cpus: { min: 1, max: 32 },
  /** MiB; VMware wants a multiple of 4. */
  memoryMiB: { min: 64, max: 1024 * 1024, step: 4 },
  heads: { min: 1, max: 16 },
  graphicsMemoryKiB: { min: 1024, max: 16 * 1024 * 1024 },
  port: { min: 1, max: 65_535 },
  hardwareVersion: { min: 3, max: 99 },
} as const;

function ranged(key: string, value: number, range: { min: number; max: number }): SpecProblem[] {
  const fits = Number.isInteger(value) && value >= range.min && value <= range.max;
  return fits ? [] : [refused(key, value, `a whole number from ${range.min} to ${range.max}`)];
}

function when(wrong: boolean, problem: () => SpecProblem): SpecProblem[] {
  return wrong ? [problem()] : [];
}

function validateIdentity(spec: MachineSpec): SpecProblem[] {
  const arch = archOfGuestOs(spec.guestOS);
  return [
    ...when(hasControls(spec.displayName), () =>
      refused('displayName', spec.displayName, 'a name without control characters'),
    ),
    ...when(!/^[A-Za-z0-9_.-]{1,80}$/.test(spec.guestOS), () =>
      refused('guestOS', spec.guestOS, 'an id of a guest system such as arm-debian12-64'),
    ),
    ...when(arch !== spec.arch, () =>
      refused(
        'guestOS',
        spec.guestOS,
        spec.arch === 'aarch64' ? 'an id that starts with arm-' : 'an id without arm-',
      ),
    ),
    ...ranged('virtualHW.version', spec.hardwareVersion, limits.hardwareVersion),
    ...when(!isUuid(spec.uuid) || spec.uuid === nilUuid, () =>
      refused('uuid.bios', spec.uuid, '16 bytes in hex that are not all zero'),
    ),
  ];
}

function validateProcessors({ cpus, coresPerSocket }: MachineSpec): SpecProblem[] {
  const allowed = `a divisor of numvcpus (${cpus})`;
  return [
    ...ranged('numvcpus', cpus, limits.cpus),
    ...when(!(coresPerSocket >= 1 && cpus % coresPerSocket === 0), () =>
      refused('cpuid.coresPerSocket', coresPerSocket, allowed),
    ),
  ];
}

function validateMemory({ memoryMiB }: MachineSpec): SpecProblem[] {
  const { min, max, step } = limits.memoryMiB;
  const fits = Number.isInteger(memoryMiB) && memoryMiB >= min && memoryMiB <= max && memoryMiB % step === 0;
  return when(!fits, () =>
    refused('memsize', memoryMiB, `a multiple of ${step} from ${min} to ${max} (MiB)`),
  );
}

function validateBoot(spec: MachineSpec): SpecProblem[] {
  const { firmware, bootOrder, kame } = spec;
  const { kind } = firmware;
  const order = bootOrder.join(',');
  const directBoot = kame.directBoot;
  const inBundle = 'a path inside of the machine’s bundle';
  const files: (readonly [string, string | undefined])[] = [
    ['nvram', firmware.nvram],
    ['kame.boot.kernel', directBoot?.kernel],
    ['kame.boot.initrd', directBoot?.initrd],
    ['kame.seed', kame.seed],
  ];
  return [
    ...when(spec.arch === 'aarch64' && kind === 'bios', () =>
      refused('firmware', kind, 'efi for an ARM guest'),
    ),
    ...when(firmware.secureBoot && kind === 'bios', () =>
      refused('uefi.secureBoot.enabled', 'TRUE', 'FALSE where the firmware is bios'),
    ),
    ...when(bootOrder.length === 0 || new Set(bootOrder).size < bootOrder.length, () =>
      refused('bios.bootOrder', order, `a list of ${listOf(bootDevices)}, each once`),
    ),
    ...files.flatMap(([key, path]) =>
      when(path !== undefined && !bundleFile(path), () => refused(key, path ?? '', inBundle)),
    ),
    ...when(directBoot !== undefined && /\p{Cc}/u.test(directBoot.commandLine), () =>
      refused('kame.boot.commandLine', directBoot?.commandLine ?? '', 'one line of text'),
    ),
  ];
}

function validatePeripherals(spec: MachineSpec): SpecProblem[] {
  return [
    ...ranged('svga.numDisplays', spec.display.heads, limits.heads),
    ...ranged('svga.graphicsMemoryKB', spec.display.graphicsMemoryKiB, limits.graphicsMemoryKiB),
    ...ranged('RemoteDisplay.vnc.port', spec.vnc.port, limits.port),
    ...when(spec.input === 'usb' && !spec.usb.present, () =>
      refused('kame.input', spec.input, 'virtio or ps2 where usb.present is FALSE'),
    ),
    ...when(spec.arch === 'aarch64' && spec.input === 'ps2', () =>
      refused('kame.input', spec.input, 'usb or virtio for an ARM guest'),
    ),
    ...when(spec.suspendedState !== '' && !bundleFile(spec.suspendedState), () =>
      refused('checkpoint.vmState', spec.suspendedState, 'a path inside of the machine’s bundle'),
    ),
    ...when(!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(spec.kame.machineType ?? 'virt'), () =>
      refused('kame.machineType', spec.kame.machineType ?? '', 'the name of a QEMU machine such as virt-7.2'),
    ),
  ];
}

/**
 * Everything about the machine that can't run or that VMware would refuse, each with key, value and what is allowed.
 * Empty when all is well. problemsToError turns it into a KameError.
 */
export function validateSpec(spec: MachineSpec): SpecProblem[] {
  return [
    ...validateIdentity(spec),
    ...validateProcessors(spec),
    ...validateMemory(spec),
    ...validateBoot(spec),
    ...validateStorage(spec),
    ...validateNics(spec),
    ...validateSerials(spec),
    ...validateSharedFolders(spec),
    ...validatePeripherals(spec),
  ];
}
