import type { Receipt } from './connection.ts';
import type { LeaseStore } from './lease-file.ts';
import type { Port } from './port.ts';
import type { ShaperTools } from './shaper.ts';
import type { Dial } from './tcp/host-connection.ts';

export interface SwitchTools extends ShaperTools {
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Null where leases end with the switch. */
  readonly leases: LeaseStore | null;
  /** Opens the connections of the host. */
  readonly dial: Dial;
}

/** What a port gives to its connection. */
export interface Intake {
  readonly port: Port;
  /** Takes bytes of the stream. */
  readonly receive: (chunk: Buffer) => Receipt;
}
