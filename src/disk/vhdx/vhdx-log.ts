import { badImage } from '../format/image-file.ts';
import type { RangeFile } from '../format/stored-ranges.ts';
import { hasChecksum } from './crc32c.ts';
import { guidAt } from './guid.ts';
import type { VhdxHeader } from './vhdx-header.ts';
import { unitBytes } from './vhdx-regions.ts';

// The log of a VHDX: [MS-VHDX] 2.3. A ring of entries, each of which changes whole sectors of 4 KiB of the file.

export const logSectorBytes = 4096;
/** All of a log is read at once, and checked; a usual one has 1 MiB. */
const maxLogBytes = 32 * 1024 * 1024;
/** The lengths of all entries together: in a log that was written in order they overlap no more than once. */
const maxCheckedLogs = 4;
const entryHeaderBytes = 64;
const descriptorBytes = 32;

/** A change to the file. */
export interface LogChange {
  /** In bytes; a multiple of the sector of the log. */
  readonly at: number;
  readonly length: number;
  /** Absent for zeros. */
  readonly data?: Buffer;
}

interface LogEntry {
  readonly at: number;
  readonly length: number;
  readonly sequence: bigint;
  /** Where the entries begin that must be replayed before this one. */
  readonly tail: number;
  /** The file had at least so many bytes when the entry was written, and then so many. */
  readonly flushedBytes: bigint;
  readonly lastBytes: bigint;
  /** The whole entry, not wrapped. */
  readonly bytes: Buffer;
}

/** What the log adds to the file. */
export interface LogReplay {
  /** In the order in which they were made. */
  readonly changes: readonly LogChange[];
  /** The size that the file must have at least: what is beyond its end reads as zeros. */
  readonly fileBytes: number;
}

/** Bytes of the ring from a place on. */
function ringPart(log: Buffer, at: number, length: number): Buffer {
  const toEnd = log.subarray(at, at + length);
  if (toEnd.length === length) return toEnd;
  return Buffer.concat([toEnd, log.subarray(0, length - toEnd.length)]);
}

/** How long an entry claims to be; undefined if none begins there. */
function claimedLength(log: Buffer, at: number, guid: string): number | undefined {
  if (log.toString('latin1', at, at + 4) !== 'loge' || guidAt(log, at + 32) !== guid) return undefined;
  const length = log.readUInt32LE(at + 8);
  return length > 0 && length <= log.length && length % logSectorBytes === 0 ? length : undefined;
}

function entryAt(log: Buffer, at: number, length: number): LogEntry | undefined {
  const bytes = ringPart(log, at, length);
  const sequence = bytes.readBigUInt64LE(16);
  const tail = bytes.readUInt32LE(12);
  if (sequence === 0n || tail >= log.length || !hasChecksum(bytes, 4)) return undefined;
  return {
    at,
    length,
    sequence,
    tail,
    flushedBytes: bytes.readBigUInt64LE(48),
    lastBytes: bytes.readBigUInt64LE(56),
    bytes,
  };
}

/** The intact entries of a log, by their places. */
function entriesOf(path: string, log: Buffer, guid: string): Map<number, LogEntry> {
  const entries = new Map<number, LogEntry>();
  let checked = 0;
  for (let at = 0; at < log.length; at += logSectorBytes) {
    const length = claimedLength(log, at, guid);
    if (length === undefined) continue;
    checked += length;
    if (checked > maxCheckedLogs * log.length)
      throw badImage(path, 'is damaged: the entries of its log overlap each other');
    const entry = entryAt(log, at, length);
    if (entry) entries.set(at, entry);
  }
  return entries;
}

/** The entries from the tail of one up to itself, whose sequence numbers follow each other; undefined if one is missing. */
function sequenceTo(
  head: LogEntry,
  entries: ReadonlyMap<number, LogEntry>,
  logBytes: number,
): LogEntry[] | undefined {
  const found: LogEntry[] = [];
  for (let entry = entries.get(head.tail); entry;) {
    const before = found.at(-1);
    if (before && entry.sequence !== before.sequence + 1n) return undefined;
    found.push(entry);
    if (entry === head) return found;
    entry = entries.get((entry.at + entry.length) % logBytes);
  }
  return undefined;
}

/** The sequence that counts: the one with the highest number of those that are whole. */
function activeSequence(
  path: string,
  entries: ReadonlyMap<number, LogEntry>,
  logBytes: number,
): readonly LogEntry[] {
  const heads = [...entries.values()].sort((a, b) => (a.sequence < b.sequence ? 1 : -1));
  for (const head of heads) {
    const sequence = sequenceTo(head, entries, logBytes);
    if (sequence) return sequence;
  }
  throw badImage(
    path,
    'was not closed in order, and its log, which has the last changes to its tables, is damaged',
    'Attach it once in Hyper-V, or run `Mount-VHD` and `Dismount-VHD`, and get it again.',
  );
}

/** The data of a sector: the descriptor has its first 8 and its last 4 bytes. */
function sectorData(descriptor: Buffer, sector: Buffer, sequence: bigint): Buffer | undefined {
  const [high, low] = [sector.readUInt32LE(4), sector.readUInt32LE(logSectorBytes - 4)];
  const isOfEntry = (BigInt(high) << 32n) + BigInt(low) === sequence;
  if (sector.toString('latin1', 0, 4) !== 'data' || !isOfEntry) return undefined;
  return Buffer.concat([
    descriptor.subarray(8, 16),
    sector.subarray(8, logSectorBytes - 4),
    descriptor.subarray(4, 8),
  ]);
}

/** What an entry changes; undefined if what it says is not possible. */
function changesOf({ bytes, sequence }: LogEntry, fileBytes: bigint): LogChange[] | undefined {
  const count = bytes.readUInt32LE(24);
  let dataAt = Math.ceil((entryHeaderBytes + count * descriptorBytes) / logSectorBytes) * logSectorBytes;
  if (dataAt > bytes.length) return undefined;
  const changes: LogChange[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = entryHeaderBytes + index * descriptorBytes;
    const descriptor = bytes.subarray(start, start + descriptorBytes);
    const kind = descriptor.toString('latin1', 0, 4);
    const at = descriptor.readBigUInt64LE(16);
    const length = kind === 'zero' ? descriptor.readBigUInt64LE(8) : BigInt(logSectorBytes);
    const isPossible =
      descriptor.readBigUInt64LE(24) === sequence &&
      at % BigInt(logSectorBytes) === 0n &&
      length % BigInt(logSectorBytes) === 0n &&
      at + length <= fileBytes;
    if (!isPossible || (kind !== 'zero' && kind !== 'desc')) return undefined;
    const place = { at: Number(at), length: Number(length) };
    if (kind === 'zero') changes.push(place);
    else {
      const sector = bytes.subarray(dataAt, dataAt + logSectorBytes);
      const data = sector.length < logSectorBytes ? undefined : sectorData(descriptor, sector, sequence);
      if (!data) return undefined;
      changes.push({ ...place, data });
      dataAt += logSectorBytes;
    }
  }
  return changes;
}

async function readLog(file: RangeFile, { logAt, logBytes, logVersion }: VhdxHeader): Promise<Buffer> {
  const { path } = file;
  if (logVersion !== 0) throw badImage(path, `has a log of version ${logVersion}; only 0 is supported`);
  if (logBytes > maxLogBytes)
    throw badImage(
      path,
      `was not closed in order, and its log of ${logBytes} bytes is too large to be replayed`,
      'Attach it once in Hyper-V, or run `Mount-VHD` and `Dismount-VHD`, and get it again.',
    );
  const isAligned = logBytes > 0 && logBytes % unitBytes === 0 && logAt % BigInt(unitBytes) === 0n;
  if (!isAligned || logAt + BigInt(logBytes) > BigInt(file.size))
    throw badImage(path, `is damaged: its log of ${logBytes} bytes cannot be at byte ${logAt}`);
  return await file.read(Number(logAt), logBytes, 'its log');
}

/**
 * Reads the changes that a log holds and that are not in the file yet. Nothing is written.
 * @param maxFileBytes the size beyond which no change may reach
 * @throws KameError BAD_IMAGE if the log is damaged, or the file is shorter than it was when the log was written
 */
export async function readReplay(
  file: RangeFile,
  header: VhdxHeader,
  maxFileBytes: number,
): Promise<LogReplay> {
  const { path } = file;
  const log = await readLog(file, header);
  const sequence = activeSequence(path, entriesOf(path, log, header.logGuid), log.length);
  const changes: LogChange[] = [];
  let fileBytes = BigInt(file.size);
  for (const entry of sequence) {
    if (entry.flushedBytes > BigInt(file.size))
      throw badImage(path, `is truncated: its log says that it had ${entry.flushedBytes} bytes`);
    if (entry.lastBytes > fileBytes) fileBytes = entry.lastBytes;
    const found = fileBytes > BigInt(maxFileBytes) ? undefined : changesOf(entry, BigInt(maxFileBytes));
    if (!found) throw badImage(path, `is damaged: the entry ${entry.sequence} of its log is invalid`);
    changes.push(...found);
  }
  return { changes, fileBytes: Number(fileBytes) };
}
