import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { EngineArguments } from './engine-arguments.ts';
import { Refusal } from './refusal.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** The head of a pcap file. */
const pcapHeader = Buffer.alloc(24);
pcapHeader.writeUInt32LE(0xa1b2c3d4);

/** A frame of a pcap file. */
function pcapFrame(length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return Buffer.concat([header, Buffer.alloc(length, 0x55)]);
}

/** The network adapters of a fake engine, as QEMU 7.2 plugs and unplugs them. */
export class FakeNics {
  /** Backends by id, with their arguments. */
  readonly backends = new Map<string, Arguments>();
  /** Adapters by id, with their arguments. */
  readonly devices = new Map<string, Arguments>();
  /** Adapters whose cable is pulled. */
  readonly pulled = new Set<string>();
  /** Captures by id; null once the reader was gone. */
  readonly captures = new Map<string, number | null>();
  /** Whether the guest lets go of an adapter when it is asked to. */
  letsGo = true;
  readonly #asked = new Set<string>();
  readonly #deleted: (data: object) => void;

  constructor(given: EngineArguments, deleted: (data: object) => void) {
    this.#deleted = deleted;
    for (const backend of given.netdevs) this.backends.set(String(backend['id']), backend);
    for (const device of given.devices) {
      const id = String(device['id']);
      if (id.startsWith('nic')) this.devices.set(id, device);
    }
  }

  addBackend(args: Arguments): void {
    const id = String(args['id']);
    if (this.backends.has(id)) throw new Refusal(`Duplicate ID '${id}' for netdev`);
    this.backends.set(id, args);
  }

  removeBackend(id: string): void {
    if (!this.backends.delete(id)) throw new Refusal(`Device '${id}' not found`, 'DeviceNotFound');
    for (const capture of this.captures.keys()) this.removeObject(capture);
  }

  plug(args: Arguments): void {
    const [id, netdev, bus] = ['id', 'netdev', 'bus'].map((key) => String(args[key])) as [
      string,
      string,
      string,
    ];
    if (!this.backends.has(netdev)) throw new Refusal(`Property 'netdev' can't find value '${netdev}'`);
    if (bus === 'pcie.0') throw new Refusal("Bus 'pcie.0' does not support hotplugging");
    if (this.devices.has(id)) throw new Refusal(`Duplicate device ID '${id}'`);
    this.devices.set(id, args);
  }

  askToLetGo(id: string): void {
    if (!this.devices.has(id)) throw new Refusal(`Device '${id}' not found`, 'DeviceNotFound');
    if (this.#asked.has(id)) throw new Refusal(`Device ${id} is already in the process of unplug`);
    this.#asked.add(id);
    if (this.letsGo) setImmediate(() => this.letGo(id));
  }

  /** The guest lets go of an adapter. */
  letGo(id: string): void {
    this.devices.delete(id);
    this.#asked.delete(id);
    this.#deleted({ device: id, path: `/machine/peripheral/${id}` });
  }

  setLink(id: string, up: boolean): void {
    if (!this.devices.has(id)) throw new Refusal(`Device '${id}' not found`, 'DeviceNotFound');
    if (up) this.pulled.delete(id);
    else this.pulled.add(id);
  }

  list(path: string): { name: string; type: string }[] {
    const names = path === '/objects' ? this.captures.keys() : this.devices.keys();
    return ['type', ...names].map((name) => ({ name, type: 'child<any>' }));
  }

  addObject(args: Arguments): void {
    const [id, netdev, file] = ['id', 'netdev', 'file'].map((key) => String(args[key])) as [
      string,
      string,
      string,
    ];
    if (args['qom-type'] !== 'filter-dump') throw new Refusal('The fake has no such object');
    if (!this.backends.has(netdev)) throw new Refusal("Parameter 'netdev' expects a network backend id");
    const fd = openSync(file, constants.O_WRONLY);
    this.captures.set(id, fd);
    writeSync(fd, pcapHeader);
  }

  removeObject(id: string): void {
    const fd = this.captures.get(id);
    if (fd === undefined) throw new Refusal(`object '${id}' not found`);
    if (fd !== null) closeSync(fd);
    this.captures.delete(id);
  }

  /** The guest sends a frame. QEMU stops a capture whose reader is gone. */
  send(length: number): void {
    for (const [id, fd] of this.captures) {
      if (fd === null) continue;
      try {
        writeSync(fd, pcapFrame(length));
      } catch {
        closeSync(fd);
        this.captures.set(id, null);
      }
    }
  }
}
