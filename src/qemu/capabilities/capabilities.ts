import type { Arch } from '../../model/machine.ts';
import type { FlagName } from './flags.ts';

export interface MachineType {
  /** Such as `virt-7.2`; may also be unversioned. */
  readonly name: string;
  /** Other names of the same type, such as `virt`. */
  readonly alias?: string;
  readonly maxCpus: number;
  readonly deprecated: boolean;
}

export type AcceleratorKind = 'kvm' | 'hvf' | 'tcg';

/** The capabilities of a QEMU binary, queried by QMP. Plain JSON, because it is cached and recorded. */
export interface Capabilities {
  readonly binary: string;
  readonly version: { readonly major: number; readonly minor: number; readonly micro: number };
  /** The package version, which the packager adds. */
  readonly package: string;
  readonly arch: Arch;
  /** Accelerators compiled in; the host may not support all of them. */
  readonly accelerators: readonly AcceleratorKind[];
  readonly machines: readonly MachineType[];
  readonly cpuModels: readonly string[];
  /** Every concrete device type, sorted. */
  readonly devices: readonly string[];
  /** Kinds of guest RAM, such as `memory-backend-memfd`, sorted. */
  readonly memoryBackends: readonly string[];
  /** Names of the command line options that have parameters, sorted. */
  readonly options: readonly string[];
  /** The rows of the table in flags.ts that are true for it. */
  readonly flags: readonly FlagName[];
}

/** Whether a row of the table in flags.ts is true. */
export function supports(capabilities: Capabilities, flag: FlagName): boolean {
  return capabilities.flags.includes(flag);
}

/** Whether the binary has a device type, such as `virtio-gpu-pci`. */
export function hasDevice(capabilities: Pick<Capabilities, 'devices'>, device: string): boolean {
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
