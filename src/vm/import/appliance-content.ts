import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { writeSparse } from '../../archive/sparse.ts';
import { messageOf } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { badImage } from '../../disk/format/image-file.ts';
import { openVmdk } from '../../disk/vmdk/vmdk-disk.ts';
import { openVmdkStream } from '../../disk/vmdk/stream-disk.ts';
import { writeQcow2 } from '../../disk/write-qcow2.ts';
import { maxManifestBytes } from '../../ovf/manifest.ts';
import { chunkName, type OvfFile } from '../../ovf/package-files.ts';
import type { Medium } from '../../ovf/storage.ts';
import { ByteSource } from '../../sys/byte-source.ts';
import { fileError } from '../../sys/files.ts';
import { requireFreeSpace } from '../../sys/free-space.ts';
import type { StartInflater } from '../host/host.ts';
import { MemberCheck } from './member-check.ts';
import { readMember, refuseCancelled, type Member, type OpenAppliance } from './members.ts';

const drainBytes = 1024 * 1024;
/** A file that is not a disk, such as an ISO, may expand to this much. */
const maxFileBytes = 64 * 1024 ** 3;
/** A disk takes no more than its capacity, its tables, and a little for grains that do not compress. */
const expansion = { factor: 1.1, bytes: 64 * 1024 ** 2 } as const;
/** How many times more a gzip file may expand to, beyond those bytes. What disks and ISO images are made of is far from that. */
const maxRatio = 100;

interface Work {
  readonly appliance: OpenAppliance;
  readonly check: MemberCheck;
  readonly members: AsyncGenerator<Member>;
  readonly target: ContentTarget;
  readonly progress: Progress;
}

/** Where the content of an appliance goes, and what decompresses it. */
interface ContentTarget {
  readonly directory: string;
  readonly startInflater: StartInflater;
}

/** The names under which a file is in the appliance. */
export function memberNames({ href, chunkBytes, size }: OvfFile): string[] {
  if (chunkBytes === undefined || size === undefined) return [href];
  return Array.from({ length: Math.ceil(size / chunkBytes) }, (_none, index) => chunkName(href, index));
}

/** Reads a file that the machine does not need, for its hash. */
async function skip({ content }: Member): Promise<void> {
  for await (const _part of content);
}

/** The content of a file, whose chunks follow each other. */
async function* joined(
  first: Member,
  names: readonly string[],
  { appliance, check, members }: Work,
): AsyncGenerator<Buffer> {
  yield* first.content;
  for (const name of names.slice(1)) {
    const { value, done } = await members.next();
    if (done === true || value.name !== name)
      throw badImage(appliance.label, `lacks ${JSON.stringify(name)} after the chunk before it`);
    yield* check.watch(value).content;
  }
}

/** What a gzip file expands to, if that is no more than expected. */
async function* expanded(
  label: string,
  content: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  const source = Readable.from(content, { objectMode: false });
  source.on('error', (error) => gunzip.destroy(error));
  let bytes = 0;
  try {
    for await (const part of source.pipe(gunzip) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw badImage(label, `expands to more than ${maxBytes} bytes`);
      if (bytes > expansion.bytes + gunzip.bytesWritten * maxRatio)
        throw badImage(label, `expands to more than ${maxRatio} times its size, as no disk does`);
      yield part;
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
      ? badImage(label, `is damaged: it cannot be decompressed (${messageOf(error)})`)
      : error;
  } finally {
    source.destroy();
  }
}

async function writeDisk(
  label: string,
  content: AsyncIterable<Buffer>,
  path: string,
  { target, progress: { signal } }: Work,
): Promise<void> {
  const source = new ByteSource(content);
  using inflater = await target.startInflater();
  await using disk = await openVmdkStream(label, source, inflater);
  await writeQcow2(disk, path, silentProgress(signal));
  while ((await source.some(drainBytes)).length > 0) refuseCancelled(label, signal);
}

/** A VMDK that is a file of its own may be of any kind. It is read once more, for its hash. */
async function writeDiskOf(
  path: string,
  member: Member,
  target: string,
  { signal }: Progress,
): Promise<void> {
  await using disk = await openVmdk(path);
  await writeQcow2(disk, target, silentProgress(signal));
  await skip(member);
}

async function writeFile(content: AsyncIterable<Buffer>, path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await writeSparse(file, content);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

async function make(first: Member, medium: Medium & { readonly file: OvfFile }, work: Work): Promise<void> {
  const { file, disk } = medium;
  const label = `${work.appliance.label}: ${file.href}`;
  const content = joined(first, memberNames(file), work);
  const capacity = disk?.capacityBytes ?? 0;
  const limit = capacity > 0 ? capacity * expansion.factor + expansion.bytes : maxFileBytes;
  const plain = file.gzip ? expanded(label, content, limit) : content;
  const path = join(work.target.directory, medium.fileName);
  const own = first.name === file.href && !file.gzip ? first.path : undefined;
  if (!disk) await writeFile(plain, path);
  else if (own !== undefined) await writeDiskOf(own, first, path, work.progress);
  else await writeDisk(label, plain, path, work);
}

/** The bytes that the disks take at least. How well they are compressed, the descriptor may say. */
function neededBytes(media: readonly Medium[]): number {
  const needed = media.map(({ disk, file }) => {
    const known = file ? disk?.populatedBytes || file.size || 0 : 0;
    return disk && disk.capacityBytes > 0 ? Math.min(known, disk.capacityBytes) : known;
  });
  return needed.reduce((sum, bytes) => sum + bytes, 0);
}

/**
 * Reads the files of an appliance once, in the order in which they come, and writes what the machine needs of them into its
 * directory. A manifest is verified.
 * @returns what a person should know, as sentences
 * @throws KameError BAD_IMAGE, CHECKSUM_MISMATCH, DISK_FULL, FILE_ACCESS, CANCELLED
 */
export async function writeContent(
  appliance: OpenAppliance,
  media: readonly Medium[],
  target: ContentTarget,
  progress: Progress,
): Promise<string[]> {
  const wanted = new Map(
    media.flatMap(({ file, ...medium }) =>
      file ? [[memberNames(file)[0] ?? '', { ...medium, file }] as const] : [],
    ),
  );
  await requireFreeSpace(target.directory, neededBytes(media), appliance.label);
  const check = new MemberCheck(appliance.label);
  check.addFile(appliance.name, appliance.descriptor);
  const names = [...wanted.values()].flatMap(({ file }) => memberNames(file));
  const members = appliance.members(names, progress);
  const work = { appliance, check, members, target, progress };
  const notes: string[] = [];
  const stem = appliance.name.replace(/\.ovf$/iu, '');
  for await (const member of members) {
    refuseCancelled(appliance.label, progress.signal);
    const medium = wanted.get(member.name);
    wanted.delete(member.name);
    if (medium) await make(check.watch(member), medium, work);
    else if (member.name === `${stem}.mf`)
      check.addManifest(member.name, await readMember(appliance.label, member, maxManifestBytes));
    else {
      if (member.name === `${stem}.cert`) notes.push(`The signature ${member.name} was not checked.`);
      await skip(check.watch(member));
    }
  }
  const [missing] = wanted.values();
  if (missing) {
    throw badImage(
      appliance.label,
      `lacks the file ${JSON.stringify(missing.file.href)}, to which its descriptor refers`,
      'Get all files of the appliance.',
    );
  }
  check.finish();
  refuseCancelled(appliance.label, progress.signal);
  return notes;
}
