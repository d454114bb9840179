import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KameError } from '../core/errors.ts';
import { fileError } from './files.ts';
import { requireFreeSpace } from './free-space.ts';
import { openToAppend } from './own-file.ts';

/** A file that a sender sends. */
export interface ReceivedFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Files that come one after the other, as if they were one. */
export interface Reception {
  /** What they are together, for messages. */
  readonly label: string;
  /** An existing directory on the disk that they go to. */
  readonly directory: string;
  readonly files: readonly ReceivedFile[];
  /** Bytes of that disk that are promised to others. */
  readonly promisedBytes?: number;
}

/** What tells the sender how far the reception is, in bytes of all files together. */
export interface ReceptionNotices {
  /** The sender shall begin with this byte. */
  readonly ready: (offset: number) => void;
  /** How many bytes are there. */
  readonly received: (bytes: number) => void;
}

/** Bytes between two notices. */
const noticeBytes = 4 * 1024 * 1024;

function tooMuch(label: string, sizeBytes: number): KameError {
  return new KameError('USAGE', `More than the ${sizeBytes} bytes of ${label} were sent.`, {
    next: 'Upload it again: it may have been changed meanwhile.',
  });
}

function brokenOff(label: string, bytes: number, sizeBytes: number): KameError {
  return new KameError('CANCELLED', `The upload of ${label} ended after ${bytes} of ${sizeBytes} bytes.`, {
    next: 'Upload the same again within a week: it goes on from there.',
  });
}

export function totalBytes(files: readonly { readonly sizeBytes: number }[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Bytes that come in parts of any size, taken in parts that are not larger than what is wanted. */
class Incoming {
  readonly #parts: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(parts: AsyncIterable<Buffer>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  /** The next bytes, at most `most`; undefined at the end. */
  async take(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#parts.next();
      if (done === true) return undefined;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(most);
    return taken;
  }

  /** Whether there are bytes that nobody has taken, without waiting for more. */
  get hasRest(): boolean {
    return this.#rest.length > 0;
  }
}

/** How many bytes of the files are there: those of each complete one, and those of the first that is not. */
async function bytesThere(files: readonly ReceivedFile[]): Promise<number> {
  let there = 0;
  for (const { path, sizeBytes } of files) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using handle = await openToAppend(path);
    const { size } = await handle.stat();
    if (size > sizeBytes) await handle.truncate();
    there += size > sizeBytes ? 0 : size;
    if (size !== sizeBytes) break;
  }
  return there;
}

/** Appends to a file until it is complete, or nothing more comes. */
async function fill(
  { path, sizeBytes }: ReceivedFile,
  incoming: Incoming,
  came: (bytes: number) => void,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using handle = await openToAppend(path);
  for (let { size } = await handle.stat(); size < sizeBytes;) {
    const part = await incoming.take(sizeBytes - size);
    if (!part) return;
    await handle.appendFile(part);
    size += part.length;
    came(part.length);
  }
  await handle.sync();
}

async function removeAll(files: readonly ReceivedFile[]): Promise<void> {
  for (const { path } of files) await rm(path, { force: true });
}

/**
 * Receives files, after the part of them that is there already.
 * @param chunks what the sender sends after it was told where to begin
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED if the sender ended too early: what came is kept; USAGE if it sent too much, and
 * DISK_FULL if the disk became full meanwhile: nothing is kept
 */
export async function receiveFiles(
  { label, directory, files, promisedBytes = 0 }: Reception,
  chunks: AsyncIterable<Buffer>,
  notices: ReceptionNotices,
): Promise<void> {
  const total = totalBytes(files);
  try {
    let bytes = await bytesThere(files);
    await requireFreeSpace(directory, total - bytes + promisedBytes, label);
    notices.ready(bytes);
    if (bytes === total) return;
    const incoming = new Incoming(chunks);
    let told = bytes;
    const came = (count: number) => {
      bytes += count;
      if (bytes - told >= noticeBytes || bytes === total) notices.received((told = bytes));
    };
    for (const file of files) await fill(file, incoming, came);
    if (incoming.hasRest) {
      await removeAll(files);
      throw tooMuch(label, total);
    }
    if (bytes < total) throw brokenOff(label, bytes, total);
  } catch (error) {
    if (error instanceof KameError) throw error;
    const failure = fileError(error, directory);
    // Others need the room: guests stop when they cannot write.
    if (failure.code === 'DISK_FULL') await removeAll(files);
    throw failure;
  }
}
