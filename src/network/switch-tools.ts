import type { Receipt } from './connection.ts';
import type { LeaseStore } from './lease-file.ts';
import type { Port } from './port.ts';
import type { ShaperTools } from './shaper.ts';
import type { Mac } from './packet/mac.ts';
import type { Dial } from './tcp/host-connection.ts';
import type { ConnectionLog } from './tcp/tcp-tools.ts';

/** The connections of guests to the outside, and those of the switch before this one. */
export interface OpenConnections extends ConnectionLog {
  /** The SYNs of those that an adapter had by the switch before this one. They are told once. */
  takeLeft(mac: Mac): readonly Buffer[];
}

export interface SwitchTools extends ShaperTools {
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Null where leases end with the switch. */
  readonly leases: LeaseStore | null;
  /** Opens the connections of the host. */
  readonly dial: Dial;
  /** Null where the connections of guests are forgotten with the switch. */
  readonly connections: OpenConnections | null;
}

/** What a port gives to its connection. */
export interface Intake {
  readonly port: Port;
  /** Takes bytes of the stream. */
  readonly receive: (chunk: Buffer) => Receipt;
}
