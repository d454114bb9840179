/**
 * How the traffic of a network adapter is limited, lost and delayed, from the side of the guest. VMware's keys are
 * `ethernetN.rxbw.limit` (kbit/s) and `ethernetN.rxfi.droprate` (thousandths), and the same with tx; it has none for a latency.
 */
export interface LinkShape {
  readonly receive: DirectionShape;
  readonly transmit: DirectionShape;
}

export interface DirectionShape {
  /** Bits a second; null without a limit. */
  readonly bitsPerSecond: number | null;
  /** Thousandths of the frames that are lost, 0 to 1000. */
  readonly lossPerMille: number;
  /** Milliseconds that each frame waits. */
  readonly latencyMs: number;
}

const unshaped: DirectionShape = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };

/** Traffic as fast as it comes. */
export const noShape: LinkShape = { receive: unshaped, transmit: unshaped };
