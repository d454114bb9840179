/** The GUID at a place in a structure of Microsoft's: its first three numbers are little endian. */
export function guidAt(bytes: Buffer, at: number): string {
  const number = (from: number, length: number): string =>
    bytes
      .readUIntLE(at + from, length)
      .toString(16)
      .padStart(length * 2, '0');
  const rest = bytes.toString('hex', at + 8, at + 16);
  return `${number(0, 4)}-${number(4, 2)}-${number(6, 2)}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}

/** The GUID of nothing. */
export const noGuid = '00000000-0000-0000-0000-000000000000';
