/** The host's side of a connection of a guest. */
export interface HostConnection {
  /** Bytes that were written, and that the host has not taken. */
  readonly waiting: number;
  write(bytes: Buffer): void;
  /** Says that nothing more is written. */
  end(): void;
  /** Ends it with a reset. Nothing is told any more. */
  reset(): void;
  /** Goes on after `received` wanted no more. */
  resume(): void;
}

/** What is told of it. */
export interface HostEvents {
  readonly connected: () => void;
  /** How many bytes may come at once. */
  readonly room: () => number;
  /** Bytes came, whose memory is used again. @returns whether more may come */
  readonly received: (bytes: Buffer) => boolean;
  /** Everything has come. */
  readonly ended: () => void;
  /** The host has taken everything that was written. */
  readonly drained: () => void;
  /** It was not accepted, or has ended with an error. */
  readonly failed: () => void;
}

/** Opens a connection to an address, as text, and a port. */
export type Dial = (address: string, port: number, events: HostEvents) => HostConnection;
