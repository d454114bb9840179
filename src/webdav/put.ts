import { randomBytes } from 'node:crypto';
import type { ConfinedDirectory, ConfinedFile } from '../sys/confined-directory.ts';
import { Place } from './place.ts';
import { isFolder, tagOf } from './properties.ts';
import { Refusal } from './refusal.ts';
import { answer, bodyOf, headerOf, type Exchange } from './request.ts';

/** A guest leaves so much of the host's disk free. */
export const reservedBytes = 256 * 1024 * 1024;
/** How many bytes are written before the free space is looked at again. */
const lookBytes = 32 * 1024 * 1024;
/** So many bytes are written at a time: a connection brings them in small pieces. */
const writeBytes = 256 * 1024;

function full(): Refusal {
  return new Refusal(507, 'The disk of the host is almost full.');
}

/** @throws Refusal 507 when too little would remain free after `bytes` more */
export async function requireSpace(directory: ConfinedDirectory, bytes: number): Promise<void> {
  const { free } = await directory.space();
  if (free - bytes < reservedBytes) throw full();
}

/**
 * Makes a file that appears under its name when it is complete, in place of the one that had the name, with its permissions. If
 * `write` fails, or the guest goes away, all is as before.
 */
export async function replaceFile(
  directory: ConfinedDirectory,
  name: string,
  write: (file: ConfinedFile) => Promise<void>,
  mode?: number,
): Promise<void> {
  const temporary = `.kame-put-${randomBytes(8).toString('hex')}`;
  try {
    {
      await using file = await directory.create(temporary);
      if (mode !== undefined) await file.chmod(mode);
      await write(file);
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
  const { parent, name } = place;
  await requireSpace(parent, Number(request.headers['content-length'] ?? '0'));
  let unlooked = 0;
  await replaceFile(
    parent,
    name,
    async (file) => {
      for await (const piece of pieces(bodyOf(request))) {
        unlooked += piece.length;
        if (unlooked > lookBytes) {
          unlooked = 0;
          await requireSpace(parent, piece.length);
        }
        await file.append(piece);
      }
      if (!request.complete) throw new Refusal(400, 'The connection has ended before the file did.');
    },
    found && Number(found.mode),
  );
  const written = await place.entry();
  answer(exchange, found ? 204 : 201, '', written ? { ETag: tagOf(written) } : {});
}

/** A folder on the way to what is to be made: RFC 4918 wants 409 then. */
export function missingParent(error: unknown, names: readonly string[]): unknown {
  const isMissing = error instanceof Refusal && error.status === 404 && names.length > 2;
  return isMissing ? new Refusal(409, 'The folder for it does not exist.') : error;
}
