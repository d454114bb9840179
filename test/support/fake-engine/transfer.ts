import { createServer, type Server, type Socket } from 'node:net';
import { existsSync } from 'node:fs';
import type { EngineArguments } from './engine-arguments.ts';
import { Refusal } from './refusal.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** What the guest sees of what is plugged in; a test replaces it. */
export interface TransferGuest {
  diskCame(model: string, file: string): void;
  diskWent(model: string): void;
  /** @param host where the guest's bytes go; undefined until the host has connected */
  portCame(name: string, host: () => Socket | undefined): void;
  portWent(name: string): void;
}

const blind: TransferGuest = {
  diskCame: () => undefined,
  diskWent: () => undefined,
  portCame: () => undefined,
  portWent: () => undefined,
};

interface Port {
  readonly server: Server;
  socket: Socket | undefined;
}

/** The disks and ports that copies of files plug into a fake engine. */
export class FakeTransfer {
  guest: TransferGuest = blind;
  /** Devices by id, with what they are for the guest. */
  readonly devices = new Map<string, Arguments>();
  readonly nodes = new Map<string, string>();
  readonly #ports = new Map<string, Port>();
  /** Ids of everything of a copy begin so. */
  static readonly prefix = 'copy-';
  /** False for a machine that was restored from a state without it. */
  hasController: boolean;

  constructor(given: EngineArguments) {
    this.hasController = given.devices.some(({ id }) => id === 'transfer0');
  }

  /** What of it `qom-list` names. */
  get names(): string[] {
    return [...(this.hasController ? ['transfer0'] : []), ...this.devices.keys()];
  }

  get chardevs(): string[] {
    return [...this.#ports.keys()];
  }

  addNode(args: Arguments): void {
    const { filename } = args['file'] as { filename: string };
    if (args['read-only'] !== true) throw new Refusal('The fake takes read-only disks only');
    if (!existsSync(filename)) throw new Refusal(`Could not open '${filename}': No such file or directory`);
    this.nodes.set(String(args['node-name']), filename);
  }

  removeNode(name: string): void {
    if (this.devices.has(name)) throw new Refusal(`Node ${name} is in use`);
    if (!this.nodes.delete(name)) throw new Refusal(`Failed to find node with node-name='${name}'`);
  }

  async addPort(args: Arguments): Promise<void> {
    const { backend } = args as { backend: { data: { addr: { data: { path: string } } } } };
    const port: Port = { server: createServer(), socket: undefined };
    port.server.on('connection', (socket) => {
      port.socket = socket;
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => port.server.listen(backend.data.addr.data.path, resolve));
    this.#ports.set(String(args['id']), port);
  }

  removePort(id: string): void {
    const port = this.#ports.get(id);
    if (!port) throw new Refusal(`Chardev '${id}' not found`);
    if (this.devices.has(`${id}-port`)) throw new Refusal(`Chardev '${id}' is busy`);
    port.socket?.destroy();
    port.server.close();
    this.#ports.delete(id);
  }

  plug(args: Arguments): void {
    const id = String(args['id']);
    if (this.devices.has(id)) throw new Refusal(`Duplicate device ID '${id}'`);
    if (args['driver'] === 'scsi-hd') {
      if (!this.hasController) throw new Refusal(`Bus '${String(args['bus'])}' not found`);
      const file = this.nodes.get(String(args['drive']));
      if (file === undefined)
        throw new Refusal(`Property 'scsi-hd.drive' can't find value '${String(args['drive'])}'`);
      this.devices.set(id, args);
      this.guest.diskCame(String(args['product']), file);
      return;
    }
    const chardev = String(args['chardev']);
    if (!this.#ports.has(chardev)) throw new Refusal(`Property 'chardev' can't find value '${chardev}'`);
    this.devices.set(id, args);
    this.guest.portCame(String(args['name']), () => this.#ports.get(chardev)?.socket);
  }

  unplug(id: string): void {
    const device = this.devices.get(id);
    if (!device) throw new Refusal(`Device '${id}' not found`, 'DeviceNotFound');
    this.devices.delete(id);
    if (device['driver'] === 'scsi-hd') this.guest.diskWent(String(device['product']));
    else this.guest.portWent(String(device['name']));
  }

  close(): void {
    for (const { server, socket } of this.#ports.values()) {
      socket?.destroy();
      server.close();
    }
    this.#ports.clear();
  }
}
