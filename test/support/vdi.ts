export interface VdiOptions {
  readonly diskBytes?: number;
  readonly blockBytes?: number;
  /** Places of the blocks, or what stands for none. */
  readonly map?: readonly number[];
  readonly blockCount?: number;
  readonly mapAt?: number;
  readonly dataAt?: number;
  readonly type?: number;
  readonly version?: number;
  readonly sectorBytes?: number;
  readonly extraBytes?: number;
  readonly data?: Buffer;
}

/** A place in the map of a block that has no data. */
export const noBlock = 0xffff_ffff;

/** A disk of VirtualBox: VDICore.h. Its blocks have a sector, so that it is small. */
export function vdiFile(options: VdiOptions = {}): Buffer {
  const {
    blockBytes = 512,
    map = [1, noBlock, 0],
    data = Buffer.concat([Buffer.alloc(512, 'c'), Buffer.alloc(512, 'a')]),
  } = options;
  const {
    mapAt = 512,
    dataAt = 1024,
    diskBytes = map.length * blockBytes,
    blockCount = map.length,
  } = options;
  const head = Buffer.alloc(1024);
  head.write('<<< Oracle VM VirtualBox Disk Image >>>\n');
  const fields = [
    [64, 0xbeda107f],
    [68, options.version ?? 0x0001_0001],
    [72, 400],
    [76, options.type ?? 1],
    [340, mapAt],
    [344, dataAt],
    [360, options.sectorBytes ?? 512],
    [376, blockBytes],
    [380, options.extraBytes ?? 0],
    [384, blockCount],
    [388, map.length],
  ] as const;
  for (const [at, value] of fields) head.writeUInt32LE(value, at);
  head.writeBigUInt64LE(BigInt(diskBytes), 368);
  for (const [index, place] of map.entries()) head.writeUInt32LE(place, 512 + index * 4);
  return Buffer.concat([head, data]);
}
