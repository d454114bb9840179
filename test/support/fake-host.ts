import type { Dial, HostConnection, HostEvents } from '../../src/network/tcp/host-connection.ts';

/** The host's side of a connection, as a test sees and plays it. */
export class FakeHostConnection implements HostConnection {
  readonly address: string;
  readonly port: number;
  readonly events: HostEvents;
  readonly #written: Buffer[] = [];
  waiting = 0;
  isEnded = false;
  isReset = false;
  isPaused = false;

  constructor(address: string, port: number, events: HostEvents) {
    this.address = address;
    this.port = port;
    this.events = events;
  }

  write(bytes: Buffer): void {
    this.#written.push(Buffer.from(bytes));
  }

  end(): void {
    this.isEnded = true;
  }

  reset(): void {
    this.isReset = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** All that the guest has sent so far. */
  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  /** Sends to the guest. */
  send(bytes: Buffer): void {
    this.isPaused = !this.events.received(bytes);
  }
}

/** A host that notes what is dialled, and accepts nothing until the test does. */
export class FakeHost {
  readonly connections: FakeHostConnection[] = [];

  readonly dial: Dial = (address, port, events) => {
    const connection = new FakeHostConnection(address, port, events);
    this.connections.push(connection);
    return connection;
  };

  /** The last one that was dialled. */
  get last(): FakeHostConnection {
    const last = this.connections.at(-1);
    if (!last) throw new Error('Nothing was dialled.');
    return last;
  }
}
