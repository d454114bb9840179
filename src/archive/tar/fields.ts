/** Places in the header of an entry (ustar, POSIX.1-1988), as offset and length. */
export const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  sum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;
export type Field = (typeof fields)[keyof typeof fields];

/** The checksum of a header, which counts its own field as spaces. */
export function sumOf(block: Uint8Array): number {
  const [at, length] = fields.sum;
  const own = block.subarray(at, at + length);
  const add = (sum: number, byte: number) => sum + byte;
  return block.reduce(add, 0) - own.reduce(add, 0) + length * 0x20;
}
