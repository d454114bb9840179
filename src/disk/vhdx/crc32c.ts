/** The polynomial of Castagnoli, reflected. */
const polynomial = 0x82f6_3b78;
/** Bytes that are looked up at once. */
const width = 8;

/** For each byte its CRC; then the same for a byte that one zero byte follows, two of them, and so on. */
const table = new Uint32Array(width * 256);

function fillTable(): void {
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[byte] = value;
  }
  for (let at = 256; at < table.length; at += 1) {
    const before = table[at - 256] ?? 0;
    table[at] = (before >>> 8) ^ (table[before & 0xff] ?? 0);
  }
}

fillTable();

/** An entry of the table. */
const entry = (at: number): number => table[at] ?? 0;

/** The CRC-32C of bytes: RFC 3720, appendix B.4. Eight bytes at once, because logs may have many megabytes. */
export function crc32c(bytes: Buffer): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let value = 0xffff_ffff;
  let at = 0;
  for (const end = bytes.length - (bytes.length % width); at < end; at += width) {
    const low = view.getInt32(at, true) ^ value;
    const high = view.getInt32(at + 4, true);
    value =
      entry(1792 + (low & 0xff)) ^
      entry(1536 + ((low >>> 8) & 0xff)) ^
      entry(1280 + ((low >>> 16) & 0xff)) ^
      entry(1024 + (low >>> 24)) ^
      entry(768 + (high & 0xff)) ^
      entry(512 + ((high >>> 8) & 0xff)) ^
      entry(256 + ((high >>> 16) & 0xff)) ^
      entry(high >>> 24);
  }
  for (; at < bytes.length; at += 1) value = entry((value ^ bytes.readUInt8(at)) & 0xff) ^ (value >>> 8);
  return (value ^ 0xffff_ffff) >>> 0;
}

/** Whether the CRC-32C of bytes is what they have at `at`, where zeros are counted instead. */
export function hasChecksum(bytes: Buffer, at: number): boolean {
  const stored = bytes.readUInt32LE(at);
  bytes.writeUInt32LE(0, at);
  const found = crc32c(bytes);
  bytes.writeUInt32LE(stored, at);
  return found === stored;
}
