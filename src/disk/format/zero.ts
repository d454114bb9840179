/** Whether all bytes are zero. */
export function isZero(data: Buffer): boolean {
  // Comparing a buffer with itself shifted by one runs at memory speed: then all bytes equal the first, which is zero.
  return data.length === 0 || (data[0] === 0 && data.subarray(1).equals(data.subarray(0, -1)));
}
