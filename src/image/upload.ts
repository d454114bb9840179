import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { receiveFiles, type ReceptionNotices } from '../sys/receive-files.ts';

/** Which file is uploaded. */
export interface UploadedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** When it was changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** What tells the sender how far the upload is. */
export type UploadNotices = ReceptionNotices;

/** The place of a file while it is uploaded. The same file finds its beginning there again; another has another name. */
export function uploadPlace(directory: string, { name, sizeBytes, modifiedMs }: UploadedFile): string {
  const key = createHash('sha256').update(`${name}\0${sizeBytes}\0${modifiedMs}`).digest('hex').slice(0, 32);
  return join(directory, `upload-${key}.part`);
}

/**
 * Receives a file into a directory, after the part of it that is there already.
 * @param chunks what the sender sends after it was told where to begin
 * @throws KameError as receiveFiles
 */
export async function receiveUpload(
  directory: string,
  file: UploadedFile,
  chunks: AsyncIterable<Buffer>,
  notices: UploadNotices,
): Promise<string> {
  const path = uploadPlace(directory, file);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = [{ path, sizeBytes: file.sizeBytes }];
  await receiveFiles({ label: file.name, directory, files }, chunks, notices);
  return path;
}
