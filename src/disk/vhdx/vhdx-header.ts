import { badImage } from '../format/image-file.ts';
import type { RangeFile } from '../format/stored-ranges.ts';
import { hasChecksum } from './crc32c.ts';
import { guidAt } from './guid.ts';

/** The header of a VHDX: [MS-VHDX] 2.2.2. Numbers are little endian, offsets and sizes in bytes. */
export interface VhdxHeader {
  readonly sequence: bigint;
  /** Changes with every session of writing; entries of the log name it. All zeros if there is nothing to replay. */
  readonly logGuid: string;
  readonly logAt: bigint;
  readonly logBytes: number;
  readonly logVersion: number;
  readonly version: number;
}

const identifier = 'vhdxfile';
const headerBytes = 4096;
/** There are two headers, which are written in turn. */
const headersAt = [64 * 1024, 128 * 1024] as const;

/** The header at a place; undefined unless it is intact. */
async function headerAt(file: RangeFile, at: number): Promise<VhdxHeader | undefined> {
  const bytes = await file.read(at, headerBytes, 'its header');
  if (bytes.toString('latin1', 0, 4) !== 'head' || !hasChecksum(bytes, 4)) return undefined;
  return {
    sequence: bytes.readBigUInt64LE(8),
    logGuid: guidAt(bytes, 48),
    logVersion: bytes.readUInt16LE(64),
    version: bytes.readUInt16LE(66),
    logBytes: bytes.readUInt32LE(68),
    logAt: bytes.readBigUInt64LE(72),
  };
}

/**
 * Reads the header that counts: of those that are intact, the one with the higher sequence number.
 * @throws KameError BAD_IMAGE if none is intact, or its version is unknown
 */
export async function readVhdxHeader(file: RangeFile): Promise<VhdxHeader> {
  const { path } = file;
  const start = await file.read(0, identifier.length, 'its identifier');
  if (start.toString('latin1') !== identifier) throw badImage(path, 'is not a VHDX');
  let header: VhdxHeader | undefined;
  for (const at of headersAt) {
    const found = await headerAt(file, at);
    if (found && (!header || found.sequence > header.sequence)) header = found;
  }
  if (!header)
    throw badImage(path, 'is damaged: the checksums of both of its headers are wrong', 'Get it again.');
  if (header.version !== 1)
    throw badImage(path, `is a VHDX of version ${header.version}; only 1 is supported`);
  return header;
}
