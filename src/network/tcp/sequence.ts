/** Sequence numbers of TCP: 32 bits, after which they begin again (RFC 9293, 3.4). */
export type Sequence = number;

export function advance(sequence: Sequence, bytes: number): Sequence {
  return (sequence + bytes) >>> 0;
}

/** How far `to` is ahead of `from`; negative if it is behind. */
export function distance(from: Sequence, to: Sequence): number {
  return (to - from) | 0;
}
