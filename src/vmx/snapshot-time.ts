/** The last moment that a Date can hold, in microseconds. */
const latest = 8_640_000_000_000_000_000n;

/**
 * VMware’s time: microseconds since 1970, the upper 32 bits and the lower ones, each as a signed integer. The
 * microseconds below a millisecond are dropped. Undefined for what no Date can hold.
 */
export function timeFrom(high: number, low: number): Date | undefined {
  const micros = (BigInt(high) << 32n) + BigInt.asUintN(32, BigInt(low));
  return micros < 0n || micros > latest ? undefined : new Date(Number(micros / 1000n));
}

/** The opposite of timeFrom. What is no date, or before 1970, is 1970. */
export function timeParts(time: Date): { high: number; low: number } {
  const micros = BigInt(Math.max(0, time.getTime() || 0)) * 1000n;
  return { high: Number(micros >> 32n), low: Number(BigInt.asIntN(32, micros)) };
}
