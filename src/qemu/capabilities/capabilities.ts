import type { Arch } from '../../model/machine.ts';
import type { FlagName } from './flags.ts';

export interface MachineType {
  /** Versioned or not, such as `virt-7.2`. */
  readonly name: string;
  /** Other names of the same type, such as `virt`. */
  readonly alias?: string;
  readonly maxCpus: number;
  readonly deprecated: boolean;
}

export type AcceleratorKind = 'kvm' | 'hvf' | 'tcg';

/** What one QEMU binary can do, asked of it by QMP. Plain JSON: it is cached and recorded. */
export interface Capabilities {
  readonly binary: string;
  readonly version: { readonly major: number; readonly minor: number; readonly micro: number };
  /** What the packager added to the version. */
  readonly package: string;
  readonly arch: Arch;
  /** Accelerators compiled in; whether the host offers one is another question. */
  readonly accelerators: readonly AcceleratorKind[];
  readonly machines: readonly MachineType[];
  readonly cpuModels: readonly string[];
  /** Every concrete device type, sorted. */
  readonly devices: readonly string[];
  /** Kinds of guest RAM, such as `memory-backend-memfd`, sorted. */
  readonly memoryBackends: readonly string[];
  /** Names of command line options that take parameters, sorted. */
  readonly options: readonly string[];
  /** Which lines of the table in flags.ts hold for it. */
  readonly flags: readonly FlagName[];
}

/** Whether a line of the table of versions holds. */
export function supports(capabilities: Capabilities, flag: FlagName): boolean {
  return capabilities.flags.includes(flag);
}

/** Whether the binary has a device type, such as `virtio-gpu-pci`. */
export function hasDevice(capabilities: Capabilities, device: string): boolean {
  return capabilities.devices.includes(device);
}

/** `7.2.22` */
export function versionText(capabilities: Pick<Capabilities, 'version'>): string {
  const { major, minor, micro } = capabilities.version;
  return `${major}.${minor}.${micro}`;
}

/** Whether a version is at least `major.minor`. */
export function atLeast(version: { major: number; minor: number }, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}
