import type { Arch, MachineModel } from '../../model/machine.ts';
import type { NetworkPort } from '../../model/network-port.ts';
import type { AcceleratorKind, Capabilities } from '../capabilities/capabilities.ts';
import type { FirmwareDescriptor } from '../firmware/descriptor.ts';
import type { RenderingVerdict } from '../graphics/verdict.ts';
import type { Commands } from '../qmp/generated/protocol.ts';

/** What the plan must know about the host. */
export interface HostFacts {
  readonly os: 'linux' | 'darwin';
  readonly arch: Arch;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** What bridges an adapter to a network of the host. */
export interface HostInterface {
  /** Such as br0, tap0 or en0; of vmnet-shared and vmnet-host, the same word again. */
  readonly name: string;
  /** On Linux a bridge or a tap device; on macOS one of vmnet's. */
  readonly kind: 'bridge' | 'tap' | 'vmnet-bridged' | 'vmnet-shared' | 'vmnet-host';
}

/** An image file whose header was checked, and its backing layers. QEMU opens no files except these. */
export interface DiskSource {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** For the tables of a disk whose content is in the files of another program: how those are opened. */
  readonly map?: { readonly parts: readonly MappedPart[] };
  readonly backing?: DiskSource;
}

/** A part of a disk in one file: a qcow2 inside of an overlay on that file. All in bytes. */
export interface MappedPart {
  /** Where the overlay is in the file of the layer. */
  readonly at: number;
  readonly bytes: number;
  /** The file, and the range of it that the overlay is on. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

export interface PlanPaths {
  /** Directory of the files of the machine; names in the `.vmx` are relative to it. */
  readonly bundle: string;
  /** Short private directory for sockets: the path of a socket may have at most 103 (macOS) or 107 (Linux) bytes. */
  readonly run: string;
  /** File that records the output of the serial console. */
  readonly serialLog: string;
}

/** Sizes in bytes of the flash with the code of a firmware, and of the one with its variables. */
export interface FlashBytes {
  readonly code: number;
  readonly variables: number;
}

/** Guest RAM as a file, so that Kame can copy it directly while QEMU saves only the device state. */
export interface RamFile {
  /** On a memory file system; elsewhere the host would constantly write it back to the disk. */
  readonly path: string;
  /**
   * False opens it copy-on-write: changes by the guest stay in private memory of its engine, as for an instant clone.
   */
  readonly share: boolean;
}

export interface PlanInput {
  readonly model: MachineModel;
  readonly capabilities: Capabilities;
  /** All descriptors that were found; the plan chooses one if the machine has EFI. */
  readonly firmware: readonly FirmwareDescriptor[];
  readonly host: HostFacts;
  readonly accelerator: { readonly kind: AcceleratorKind; readonly reason: string };
  readonly paths: PlanPaths;
  /** The checked image of each disk, by `slotName` (`nvme0:0`). */
  readonly disks: ReadonlyMap<string, DiskSource>;
  /** The file for RAM; without it, RAM is anonymous memory of the engine. */
  readonly ram?: RamFile;
  /** Sizes of the files of a firmware; without them, a restored machine reads the files. */
  readonly flashBytes?: (firmware: FirmwareDescriptor) => FlashBytes | undefined;
  /** The interfaces of the host that bridged networks have, by the name of the network. */
  readonly bridges?: ReadonlyMap<string, HostInterface>;
  /** What was found out about 3D on this host; needed for a machine that wants it. */
  readonly rendering?: RenderingVerdict;
  /** Wait for the device state of a checkpoint instead of booting. */
  readonly restore?: boolean;
}

/** One option of the command line; an object is passed as JSON. */
export interface PlanOption {
  readonly name: string;
  readonly value?: string | object;
}

/** A file that must exist before starting: it is copied from a template if it does not. */
export interface FilePreparation {
  readonly from: string;
  readonly to: string;
}

export interface PlanSockets {
  readonly qmp: string;
  /** A second monitor, for people. */
  readonly qmp2: string;
  readonly qga: string;
  /** The ports of the programs that integrate a guest; machines with older hardware do not have them. */
  readonly vdagent: string;
  readonly webdav: string;
  readonly tools: string;
  readonly desktop: string;
  readonly serial: string;
  readonly vnc: string;
}

/** A QMP command to send once the engine is running. */
export type SetupCommand = {
  readonly execute: 'set_link';
  readonly arguments: Commands['set_link']['arguments'];
};

/** A QMP command to send once the state of a checkpoint is loaded, before the guest resumes. */
export type AfterLoadCommand = {
  readonly execute: 'blockdev-reopen';
  readonly arguments: Commands['blockdev-reopen']['arguments'];
};

/** A device that prevents the memory of the machine from being saved. */
export interface CheckpointBlocker {
  /** The device in terms that people know, such as "nvme0, an NVMe controller". */
  readonly device: string;
  /** Why its state cannot be saved. */
  readonly reason: string;
  /** What to do about it, in whole sentences. */
  readonly remedy: string;
}

/** What became of a machine's wish for 3D. */
export interface PlannedGraphics {
  readonly accelerated: boolean;
  /** For the user: what renders and what that costs, or why it has none. */
  readonly note: string;
}

/** Everything needed to start a machine, as data. */
export interface LaunchPlan {
  readonly name: string;
  readonly binary: string;
  readonly options: readonly PlanOption[];
  /** `options` as program arguments. */
  readonly args: readonly string[];
  readonly files: readonly FilePreparation[];
  readonly sockets: PlanSockets;
  /** QEMU writes its process id to this file and locks it. */
  readonly pidFile: string;
  readonly setup: readonly SetupCommand[];
  readonly afterLoad: readonly AfterLoadCommand[];
  readonly machineType: string;
  /** Generation of the virtual hardware. */
  readonly hardware: number;
  /** The adapters that listen for a switch. */
  readonly networks: readonly NetworkPort[];
  readonly cpu: string;
  /** The file with the guest RAM, or null if RAM is anonymous memory of the engine. */
  readonly ram: RamFile | null;
  /** The engine waits for the state of a checkpoint. */
  readonly restores: boolean;
  /** A reset by the guest ends the engine, because it has no kernel to boot; the daemon then starts it again. */
  readonly resetEnds: boolean;
  readonly accelerator: AcceleratorKind;
  readonly reason: string;
  /** Where the hardware of the guest differs from the `.vmx`, and why. */
  readonly notes: readonly string[];
  /** The devices that prevent its memory from being saved; empty if checkpoints are possible. */
  readonly blockers: readonly CheckpointBlocker[];
  /** Null for a machine that does not want 3D. */
  readonly graphics: PlannedGraphics | null;
}
