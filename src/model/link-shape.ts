/**
 * How the traffic of a network adapter is limited, lost and delayed, from the side of the guest. VMware's keys are
 * `ethernetN.rxbw.limit` (kbit/s), `ethernetN.rxfi.droprate` (thousandths) and `ethernetN.rxlatency.latency` (ms), and the
 * same with tx. The names of the latencies are from tests of the settings dialog of Workstation.
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

/** What a direction can have. 100 Gbit/s is more than any adapter; a second and more breaks most protocols. */
export const shapeLimits = {
  kilobits: { min: 1, max: 100_000_000 },
  lossPerMille: { min: 0, max: 1000 },
  latencyMs: { min: 0, max: 10_000 },
} as const;
