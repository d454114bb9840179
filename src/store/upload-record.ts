import { join } from 'node:path';
import { parseJson } from '../core/json.ts';
import { checkUploadedFiles, mainFileOf, type NamedFile } from '../model/uploaded-files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';

/** A file that a client sends. */
export interface UploadedFile extends NamedFile {
  readonly sizeBytes: number;
  /** When it was changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** Bytes of a record of as many files as are possible, with the longest names. */
const maxBytes = 8 * 1024 * 1024;

/** The directory of the files of an upload. */
export function filesIn(place: string): string {
  return join(place, 'files');
}

/** The record of an upload: which files it has. */
export function recordIn(place: string): string {
  return join(place, 'upload.json');
}

export function textOfRecord(files: readonly UploadedFile[]): string {
  return `${JSON.stringify({ files })}\n`;
}

function fileOf(value: unknown): UploadedFile {
  const { path, sizeBytes, modifiedMs } = value as Record<string, unknown>;
  if (typeof path === 'string' && Number.isSafeInteger(sizeBytes) && Number.isSafeInteger(modifiedMs))
    return { path, sizeBytes: sizeBytes as number, modifiedMs: modifiedMs as number };
  throw new TypeError('not a file');
}

/** The files of an upload; undefined if its record is missing or cannot be read. */
export async function readRecord(place: string): Promise<UploadedFile[] | undefined> {
  try {
    const bytes = await readOwnIfThere(recordIn(place), { maxBytes, trusted: true });
    if (!bytes) return undefined;
    const { files } = parseJson(bytes.toString('utf8')) as { readonly files: readonly unknown[] };
    const found = files.map(fileOf);
    checkUploadedFiles(found);
    mainFileOf(found);
    return found;
  } catch {
    return undefined;
  }
}
