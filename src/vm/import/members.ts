import { basename, dirname, extname, join } from 'node:path';
import { readArchive } from '../../archive/tar-read.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { badImage } from '../../disk/format/image-file.ts';
import { maxXmlBytes } from '../../ovf/xml.ts';
import { exists } from '../../sys/files.ts';
import { counted, openFileStream, type ByteStream } from './byte-stream.ts';

/** A file of an appliance, whose content must be read before the next one. */
export interface Member {
  readonly name: string;
  /** Where it is, if it is a file of its own. */
  readonly path?: string;
  readonly content: AsyncIterable<Buffer>;
}

/** An appliance of which the descriptor has been read. */
export interface OpenAppliance extends AsyncDisposable {
  /** Path or URL without secrets, for messages. */
  readonly label: string;
  /** Name of the descriptor. */
  readonly name: string;
  readonly descriptor: Buffer;
  /** All other files, in the order in which they come. @param wanted names of the files beside a descriptor that is no archive */
  members(wanted: readonly string[], progress: Progress): AsyncGenerator<Member>;
}

/** More than any appliance has; a descriptor refers to at most a thousand files. */
const maxMembers = 100_000;
const importStage = 'Reading the appliance';

async function wholeOf(label: string, content: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of content) {
    bytes += part.length;
    if (bytes > maxBytes)
      throw badImage(label, `has more than ${maxBytes} bytes, which is too much for what it is`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A small file of an appliance. @throws KameError BAD_IMAGE if it is larger than `maxBytes` */
export async function readMember(
  label: string,
  { name, content }: Member,
  maxBytes: number,
): Promise<Buffer> {
  return await wholeOf(`${label}: ${name}`, content, maxBytes);
}

/** The members of an archive: plain files with plain names, each only once. */
async function* tarMembers(label: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Member> {
  const refuse = (reason: string) =>
    badImage(label, `is not an appliance that can be read: ${reason}`, 'Get it again from its source.');
  const seen = new Set<string>();
  for await (const { entry, content } of readArchive(chunks, {
    refuse,
    limits: { maxEntries: maxMembers },
  })) {
    const { path, type } = entry;
    if (type !== 'file') throw refuse(`${JSON.stringify(path)} in it is not a plain file`);
    if (path.includes('/')) throw refuse(`${JSON.stringify(path)} in it is in a directory`);
    if (seen.has(path)) throw refuse(`it has two files with the name ${JSON.stringify(path)}`);
    seen.add(path);
    yield { name: path, content };
  }
}

function isDescriptor(name: string): boolean {
  return extname(name).toLowerCase() === '.ovf';
}

async function firstMember(label: string, members: AsyncGenerator<Member>): Promise<Member> {
  const { value, done } = await members.next();
  if (done !== true && isDescriptor(value.name)) return value;
  throw badImage(
    label,
    done === true ? 'is empty' : `begins with ${JSON.stringify(value.name)} instead of an OVF descriptor`,
    'An appliance has its .ovf first. Unpack it with `tar -xf`, and import the .ovf.',
  );
}

/**
 * Opens an OVA: reads its first file, which is the descriptor. The stream is closed with it, or after a failure.
 * @param progress is told how much of the archive has been read
 * @throws KameError BAD_IMAGE if it does not begin with a descriptor, and what the stream throws
 */
export async function openArchive(stream: ByteStream, progress: Progress): Promise<OpenAppliance> {
  const { label } = stream;
  const members = tarMembers(label, counted(stream, progress, importStage));
  const close = async (): Promise<void> => {
    await members.return(undefined);
    await stream[Symbol.asyncDispose]();
  };
  try {
    const first = await firstMember(label, members);
    const descriptor = await readMember(label, first, maxXmlBytes);
    return { label, name: first.name, descriptor, members: () => members, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* filesBeside(
  directory: string,
  names: readonly string[],
  progress: Progress,
): AsyncGenerator<Member> {
  for (const name of names) {
    const path = join(directory, name);
    await using stream = await openFileStream(path, false);
    yield { name, path, content: counted(stream, progress, `Reading ${name}`) };
  }
}

/** The files that are there; those that are not are missed by whoever needs them. */
async function present(directory: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) if (await exists(join(directory, name))) found.push(name);
  return found;
}

/** Opens a descriptor with its files beside it. @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS */
export async function openDirectory(path: string): Promise<OpenAppliance> {
  await using stream = await openFileStream(path, true);
  const descriptor = await wholeOf(path, stream.chunks, maxXmlBytes);
  const stem = basename(path, extname(path));
  const extras = [`${stem}.mf`, `${stem}.cert`];
  return {
    label: path,
    name: basename(path),
    descriptor,
    async *members(wanted, progress) {
      const names = await present(dirname(path), [...extras, ...wanted]);
      yield* filesBeside(dirname(path), names, progress);
    },
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

/** Whether a path or the path of a URL names an archive or a descriptor; undefined for anything else. */
export function applianceKind(name: string): 'archive' | 'descriptor' | undefined {
  const extension = extname(name).toLowerCase();
  return extension === '.ova' ? 'archive' : extension === '.ovf' ? 'descriptor' : undefined;
}

/** @throws KameError CANCELLED */
export function refuseCancelled(label: string, signal: AbortSignal): void {
  if (signal.aborted) throw new KameError('CANCELLED', `The import of ${label} was cancelled.`);
}
