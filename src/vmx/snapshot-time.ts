/** The latest time that a Date can represent, in microseconds. */
const latest = 8_640_000_000_000_000_000n;

/**
 * Converts VMware’s time: the upper and lower 32 bits of the microseconds since 1970, each as a signed integer. It is
 * truncated to milliseconds. Undefined for a time that a Date cannot represent.
 */
export function timeFrom(high: number, low: number): Date | undefined {
  const micros = (BigInt(high) << 32n) + BigInt.asUintN(32, BigInt(low));
  return micros < 0n || micros > latest ? undefined : new Date(Number(micros / 1000n));
}

/** The inverse of timeFrom. An invalid date, or one before 1970, becomes 1970. */
export function timeParts(time: Date): { high: number; low: number } {
  const micros = BigInt(Math.max(0, time.getTime() || 0)) * 1000n;
  return { high: Number(micros >> 32n), low: Number(BigInt.asIntN(32, micros)) };
}
