import { randomBytes } from 'node:crypto';
import type { ConfinedDirectory, ConfinedFile } from '../sys/confined-directory.ts';
import { Place } from './place.ts';
import { isFolder, tagOf } from './properties.ts';
import { Refusal } from './refusal.ts';
import { answer, bodyOf, headerOf, type Exchange } from './request.ts';

/** A guest leaves so much of the host's disk free. */
const reservedBytes = 256 * 1024 * 1024;
/** A file gets so many bytes before the free space is looked at again: less than is reserved, on all 64 connections of a guest. */
const lookBytes = reservedBytes / 64;
/** So many bytes are written at a time: a connection brings them in small pieces. */
const writeBytes = 256 * 1024;

function full(): Refusal {
  return new Refusal(507, 'The disk of the host is almost full.');
}

/** @throws Refusal 507 when too little would remain free after `bytes` more */
async function requireSpace(directory: ConfinedDirectory, bytes: number): Promise<void> {
  const { free } = await directory.space();
  if (free - bytes < reservedBytes) throw full();
}

/** Adds bytes to a file that is being made. @throws Refusal 507 */
export type Append = (bytes: Buffer) => Promise<void>;

/** Adds to a file as long as there is space: others write too. */
function appendTo(directory: ConfinedDirectory, file: ConfinedFile): Append {
  let unlooked = 0;
  return async (bytes) => {
    unlooked += bytes.length;
    if (unlooked > lookBytes) {
      unlooked = 0;
      await requireSpace(directory, bytes.length);
    }
    await file.append(bytes);
  };
}

interface NewFile {
  readonly directory: ConfinedDirectory;
  readonly name: string;
  /** How large it will be, as far as that is known. */
  readonly bytes: number;
  /** Its permissions; default: those of a new file. */
  readonly mode: number | undefined;
}

/**
 * Makes a file that appears under its name when it is complete, in place of the one that had the name. If `write` fails, or the
 * guest goes away, all is as before.
 * @throws Refusal 507 when too little of the disk would remain free; errors of Node, and what `write` throws
 */
export async function replaceFile(
  { directory, name, bytes, mode }: NewFile,
  write: (append: Append) => Promise<void>,
): Promise<void> {
  await requireSpace(directory, bytes);
  const temporary = `.kame-put-${randomBytes(8).toString('hex')}`;
  try {
    {
      await using file = await directory.create(temporary);
      if (mode !== undefined) await file.chmod(mode);
      await write(appendTo(directory, file));
    }
    await directory.move(temporary, directory, name);
  } catch (error) {
    await directory.removeFile(temporary).catch(() => undefined);
    throw error;
  }
}

/** The body of the request, in larger pieces than it comes in. */
async function* pieces(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size < writeBytes) continue;
    yield Buffer.concat(parts);
    [parts, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(parts);
}

/** PUT: a whole file. @throws Refusal; errors of Node */
export async function put(exchange: Exchange): Promise<void> {
  const { request, shares, names, locks, tokens } = exchange;
  if (headerOf(exchange, 'content-range') !== undefined)
    throw new Refusal(400, 'Only whole files are written.');
  await using place = await Place.find(shares, names).catch((error: unknown) => {
    throw missingParent(error, names);
  });
  place.requireWritable();
  locks.requireFree(names, tokens, false);
  const found = await place.entry();
  if (place.leaf === undefined || (found && isFolder({ found }))) throw new Refusal(405, 'This is a folder.');
  const file = {
    directory: place.parent,
    name: place.name,
    bytes: Number(request.headers['content-length'] ?? '0'),
    mode: found && Number(found.mode),
  };
  await replaceFile(file, async (append) => {
    for await (const piece of pieces(bodyOf(request))) await append(piece);
    if (!request.complete) throw new Refusal(400, 'The connection has ended before the file did.');
  });
  const written = await place.entry();
  answer(exchange, found ? 204 : 201, '', written ? { ETag: tagOf(written) } : {});
}

/** A folder on the way to what is to be made: RFC 4918 wants 409 then. */
export function missingParent(error: unknown, names: readonly string[]): unknown {
  const isMissing = error instanceof Refusal && error.status === 404 && names.length > 2;
  return isMissing ? new Refusal(409, 'The folder for it does not exist.') : error;
}
