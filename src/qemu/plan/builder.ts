import { isAbsolute, join } from 'node:path/posix';
import type { NetworkPort } from '../../model/network-port.ts';
import type { Commands } from '../qmp/generated/protocol.ts';
import type { MachineFamily } from './machine-type.ts';
import type { Netdev } from './netdevs.ts';
import { addrText, type PciAddress } from './pci.ts';
import type {
  AfterLoadCommand,
  CheckpointBlocker,
  FilePreparation,
  PlanInput,
  PlanOption,
  PlanSockets,
  SetupCommand,
} from './types.ts';

/** A device on the command line. Each has an id and a fixed address, so that a restored state matches the devices. */
export interface DeviceOptions {
  readonly driver: string;
  readonly id: string;
  readonly [property: string]: string | number | boolean;
}

/** Doubles commas in a value, because commas separate the parts of an option. */
export function escapeValue(text: string): string {
  return text.replaceAll(',', ',,');
}

/** The bus of a machine to which devices are attached. */
export function rootBusOf(family: MachineFamily): string {
  return family === 'i440fx' ? 'pci.0' : 'pcie.0';
}

/** Collects the parts of a plan. The steps that add them make the decisions, based on `input`. */
export class PlanBuilder {
  readonly input: PlanInput;
  readonly machineType: string;
  readonly family: MachineFamily;
  readonly sockets: PlanSockets;
  readonly options: PlanOption[] = [];
  readonly files: FilePreparation[] = [];
  readonly notes: string[] = [];
  readonly setup: SetupCommand[] = [];
  readonly afterLoad: AfterLoadCommand[] = [];
  readonly blockers: CheckpointBlocker[] = [];
  readonly networks: NetworkPort[] = [];

  constructor(input: PlanInput, machineType: string, family: MachineFamily, sockets: PlanSockets) {
    this.input = input;
    this.machineType = machineType;
    this.family = family;
    this.sockets = sockets;
  }

  /** The bus to which devices are attached. */
  get rootBus(): string {
    return rootBusOf(this.family);
  }

  option(name: string, value?: string | object): void {
    this.options.push({ name: `-${name}`, ...(value === undefined ? {} : { value }) });
  }

  device(options: DeviceOptions): void {
    this.option('device', options);
  }

  /** Adds a device on the root bus, at a fixed address. */
  pciDevice(at: PciAddress, options: DeviceOptions): void {
    const { driver, id, ...rest } = options;
    const multifunction = at.shared && at.function === 0 ? { multifunction: true } : {};
    this.device({ driver, id, bus: this.rootBus, addr: addrText(at), ...multifunction, ...rest });
  }

  blockdev(options: Commands['blockdev-add']['arguments']): void {
    this.option('blockdev', options);
  }

  object(options: Commands['object-add']['arguments']): void {
    this.option('object', options);
  }

  netdev(options: Netdev): void {
    this.option('netdev', options);
  }

  /** Adds a listening Unix socket as a character device. */
  socketChardev(id: string, path: string, more = ''): void {
    this.option('chardev', `socket,id=${id},path=${escapeValue(path)},server=on,wait=off${more}`);
  }

  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** Records a device that QEMU cannot save, so that the machine cannot have checkpoints with memory. */
  blocks(blocker: CheckpointBlocker): void {
    this.blockers.push(blocker);
  }

  /** Resolves a path in the `.vmx`: relative to the bundle, or absolute. */
  resolve(path: string): string {
    return isAbsolute(path) ? path : join(this.input.paths.bundle, path);
  }
}
