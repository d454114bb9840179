import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../core/errors.ts';
import { fileError, syncFile } from '../sys/files.ts';
import { requireFreeSpace } from '../sys/free-space.ts';
import { openToAppend } from '../sys/own-file.ts';

/** Which file is uploaded. */
export interface UploadedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** When it was changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** What tells the sender how far the upload is. */
export interface UploadNotices {
  /** The sender shall begin with this byte. */
  readonly ready: (offset: number) => void;
  /** How many bytes are there. */
  readonly received: (bytes: number) => void;
}

/** Bytes between two notices. */
const noticeBytes = 4 * 1024 * 1024;

/** The place of a file while it is uploaded. The same file finds its beginning there again; another has another name. */
export function uploadPlace(directory: string, { name, sizeBytes, modifiedMs }: UploadedFile): string {
  const key = createHash('sha256').update(`${name}\0${sizeBytes}\0${modifiedMs}`).digest('hex').slice(0, 32);
  return join(directory, `upload-${key}.part`);
}

function tooMuch({ name, sizeBytes }: UploadedFile): KameError {
  return new KameError('USAGE', `More than the ${sizeBytes} bytes of ${name} were sent.`, {
    next: 'Upload the file again: it may have been changed meanwhile.',
  });
}

function brokenOff({ name, sizeBytes }: UploadedFile, bytes: number): KameError {
  return new KameError('CANCELLED', `The upload of ${name} ended after ${bytes} of ${sizeBytes} bytes.`, {
    next: 'Upload the same file again within a week: it goes on from there.',
  });
}

/**
 * Receives a file into a directory, after the part of it that is there already.
 * @param chunks what the sender sends after it was told where to begin
 * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED if the sender ended too early: what came is kept; USAGE if it sent too much
 */
export async function receiveUpload(
  directory: string,
  file: UploadedFile,
  chunks: AsyncIterable<Buffer>,
  notices: UploadNotices,
): Promise<string> {
  const path = uploadPlace(directory, file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const handle = await openToAppend(path);
  try {
    let { size: bytes } = await handle.stat();
    await requireFreeSpace(directory, Math.max(0, file.sizeBytes - bytes), path);
    notices.ready(bytes);
    let told = bytes;
    if (bytes < file.sizeBytes) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        if (bytes > file.sizeBytes) break;
        await handle.appendFile(chunk);
        if (bytes - told < noticeBytes && bytes < file.sizeBytes) continue;
        notices.received((told = bytes));
        if (bytes === file.sizeBytes) break;
      }
    }
    if (bytes > file.sizeBytes) {
      await rm(path, { force: true });
      throw tooMuch(file);
    }
    if (bytes < file.sizeBytes) throw brokenOff(file, bytes);
  } catch (error) {
    throw error instanceof KameError ? error : fileError(error, path);
  } finally {
    await handle.close();
  }
  await syncFile(path);
  return path;
}
