import { deflateSync } from 'node:zlib';

// A streamOptimized VMDK as VMware's products write it: the tables come after their grains, and the header only says that a
// footer follows (VMware, "Virtual Disk Format 5.0").

const sectorBytes = 512;
/** Of VMware's products: 64 KiB. */
const usualGrainSectors = 128;
const perTable = 512;
const atEnd = 0xffff_ffff_ffff_ffffn;

function padded(...parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (sectorBytes - 1))]);
}

function marker(sectors: number, type: number): Buffer {
  const bytes = Buffer.alloc(sectorBytes);
  bytes.writeBigUInt64LE(BigInt(sectors), 0);
  bytes.writeUInt32LE(type, 12);
  return bytes;
}

function header(sectors: number, grainSectors: number, directory: bigint): Buffer {
  const bytes = Buffer.alloc(sectorBytes);
  bytes.write('KDMV', 0);
  bytes.writeUInt32LE(3, 4);
  bytes.writeUInt32LE(0x3_0001, 8);
  bytes.writeBigUInt64LE(BigInt(sectors), 12);
  bytes.writeBigUInt64LE(BigInt(grainSectors), 20);
  bytes.writeBigUInt64LE(1n, 28);
  bytes.writeBigUInt64LE(1n, 36);
  bytes.writeUInt32LE(perTable, 44);
  bytes.writeBigUInt64LE(directory, 56);
  bytes.writeBigUInt64LE(2n, 64);
  bytes.write('\n \r\n', 73);
  bytes.writeUInt16LE(1, 77);
  return bytes;
}

/** The parts of the disk, for tests that leave one out or forge it. */
export interface StreamParts {
  readonly header: Buffer;
  readonly descriptor: Buffer;
  /** A grain or a grain table with its marker, in the order of the file. */
  readonly body: readonly Buffer[];
  readonly tail: Buffer;
}

/** Makes the parts of a disk. @param grains its content by the number of the grain */
export function streamParts(
  sectors: number,
  grains: ReadonlyMap<number, Buffer>,
  grainSectors = usualGrainSectors,
): StreamParts {
  const text = `# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="streamOptimized"\nRDONLY ${sectors} SPARSE "disk.vmdk"\n`;
  const descriptor = padded(Buffer.from(text));
  const body: Buffer[] = [];
  let at = 2;
  const put = (part: Buffer): number => {
    body.push(part);
    const place = at;
    at += part.length / sectorBytes;
    return place;
  };
  const tables = Math.ceil(sectors / grainSectors / perTable);
  const directory = padded(Buffer.alloc(tables * 4));
  for (let table = 0; table < tables; table += 1) {
    const entries = Buffer.alloc(perTable * 4);
    for (let entry = 0; entry < perTable; entry += 1) {
      const grain = grains.get(table * perTable + entry);
      if (grain === undefined) continue;
      const packed = deflateSync(grain);
      const head = Buffer.alloc(12);
      head.writeBigUInt64LE(BigInt((table * perTable + entry) * grainSectors), 0);
      head.writeUInt32LE(packed.length, 8);
      entries.writeUInt32LE(put(padded(head, packed)), entry * 4);
    }
    if (entries.every((byte) => byte === 0)) continue;
    directory.writeUInt32LE(put(Buffer.concat([marker(4, 1), entries])) + 1, table * 4);
  }
  const tail = [
    marker(directory.length / sectorBytes, 2),
    directory,
    marker(1, 3),
    header(sectors, grainSectors, BigInt(at + 1)),
    marker(0, 0),
  ];
  return { header: header(sectors, grainSectors, atEnd), descriptor, body, tail: Buffer.concat(tail) };
}

/** The whole disk as one file. */
export function streamVmdk(parts: StreamParts): Buffer {
  return Buffer.concat([parts.header, parts.descriptor, ...parts.body, parts.tail]);
}
