import type { AcceleratorKind, Capabilities } from '../capabilities/capabilities.ts';
import type { FirmwareDescriptor } from '../firmware/descriptor.ts';
import type { Commands } from '../qmp/generated/protocol.ts';
import type { Arch, MachineModel } from '../../model/machine.ts';

/** What the plan must know of the host. */
export interface HostFacts {
  readonly os: 'linux' | 'darwin';
  readonly arch: Arch;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** An image file whose header was checked, and what lies beneath it. QEMU opens no file that is not named here. */
export interface DiskSource {
  readonly path: string;
  readonly format: 'qcow2' | 'raw' | 'vmdk';
  readonly backing?: DiskSource;
}

export interface PlanPaths {
  /** Directory of the machine's own files; what the .vmx names is relative to it. */
  readonly bundle: string;
  /** Short private directory for sockets: a path of a socket has at most 103 (macOS) or 107 (Linux) bytes. */
  readonly run: string;
  /** File that keeps what the serial console prints. */
  readonly serialLog: string;
}

/** Bytes of the flash that holds a firmware's code, and of the one with its variables. */
export interface FlashBytes {
  readonly code: number;
  readonly variables: number;
}

/** Guest RAM as a file, so that a checkpoint can copy it from outside of QEMU while the device state is saved without it. */
export interface RamFile {
  /** On a memory file system: elsewhere the host would write it back to disk all the time. */
  readonly path: string;
  /** False opens it copy-on-write: what the guest writes stays private memory of its engine, as for an instant clone. */
  readonly share: boolean;
}

export interface PlanInput {
  readonly model: MachineModel;
  readonly capabilities: Capabilities;
  /** All descriptors that were found; the plan picks one when the machine has EFI. */
  readonly firmware: readonly FirmwareDescriptor[];
  readonly host: HostFacts;
  readonly accelerator: { readonly kind: AcceleratorKind; readonly reason: string };
  readonly paths: PlanPaths;
  /** The checked image of each disk, by `slotName` (`nvme0:0`). */
  readonly disks: ReadonlyMap<string, DiskSource>;
  /** Where RAM lies; without it, it is memory of the engine alone. */
  readonly ram?: RamFile;
  /** Sizes of a firmware's files; without them a restored machine reads them. */
  readonly flashBytes?: (firmware: FirmwareDescriptor) => FlashBytes | undefined;
  /** Wait for a checkpoint's device state instead of booting. */
  readonly restore?: boolean;
}

/** One option of the command line; an object is printed as JSON. */
export interface PlanOption {
  readonly name: string;
  readonly value?: string | object;
}

/** A file that must be there before the start: copied from a template unless it exists. */
export interface FilePreparation {
  readonly from: string;
  readonly to: string;
}

export interface PlanSockets {
  readonly qmp: string;
  /** A second monitor, for people. */
  readonly qmp2: string;
  readonly qga: string;
  readonly serial: string;
  readonly vnc: string;
}

/** A QMP command to send once the machine runs. */
export type SetupCommand = {
  readonly execute: 'set_link';
  readonly arguments: Commands['set_link']['arguments'];
};

/** A QMP command to send once a checkpoint's state is loaded, before the guest goes on. */
export type AfterLoadCommand = {
  readonly execute: 'blockdev-reopen';
  readonly arguments: Commands['blockdev-reopen']['arguments'];
};

/** A device that keeps a machine's memory from being saved. */
export interface CheckpointBlocker {
  /** As a person knows it, such as "nvme0, an NVMe controller". */
  readonly device: string;
  /** Why its state cannot be saved. */
  readonly reason: string;
  /** What to do about it, in whole sentences. */
  readonly remedy: string;
}

/** All it takes to start a machine, as data. */
export interface LaunchPlan {
  readonly name: string;
  readonly binary: string;
  readonly options: readonly PlanOption[];
  /** `options` as the program gets them. */
  readonly args: readonly string[];
  readonly files: readonly FilePreparation[];
  readonly sockets: PlanSockets;
  /** QEMU writes its process id there and holds a lock on it. */
  readonly pidFile: string;
  readonly setup: readonly SetupCommand[];
  readonly afterLoad: readonly AfterLoadCommand[];
  readonly machineType: string;
  readonly cpu: string;
  /** The file that holds guest RAM, or null when it is memory of the engine. */
  readonly ram: RamFile | null;
  /** The engine waits for a checkpoint's state. */
  readonly restores: boolean;
  /** A reset by the guest ends the engine, because it lacks the kernel to boot; whoever watches it starts it anew. */
  readonly resetEnds: boolean;
  readonly accelerator: AcceleratorKind;
  readonly reason: string;
  /** What the guest gets other than the .vmx says, and why. */
  readonly notes: readonly string[];
  /** The devices that keep its memory from being saved; empty when checkpoints are possible. */
  readonly blockers: readonly CheckpointBlocker[];
}
