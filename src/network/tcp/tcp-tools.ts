import type { Dial } from './host-connection.ts';

/** Where connections are noted, so that guests can be told of their end if this process is killed. */
export interface ConnectionLog {
  /** @param opening the guest's SYN, as a frame */
  opened(opening: Buffer): void;
  ended(opening: Buffer): void;
}

/** What the connections of guests need of their surroundings. */
export interface TcpTools {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly timetable: { add(at: number, run: () => void): void };
  readonly dial: Dial;
  /** Null where nothing is noted. */
  readonly connections: ConnectionLog | null;
}
