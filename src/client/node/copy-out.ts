import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ArchiveEntry } from '../../archive/tar/entry.ts';
import { extract, finishDirectories, type Extracted } from '../../archive/extract.ts';
import { place } from '../../archive/place.ts';
import { readArchive, type ArchiveItem } from '../../archive/tar-read.ts';
import { errnoOf, KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import { BytePipe } from './byte-pipe.ts';
import type { KameClient } from './client.ts';
import type { FileChannels } from '../core/file-channels.ts';
import type { CopyOptions } from './copy-in.ts';
import { stageIn, sweepStages } from './copy-stage.ts';

/** What of a client a copy needs. */
type CopyOutClient = Pick<KameClient, 'home'> & { readonly files: Pick<FileChannels, 'get'> };

export interface CopyOut {
  readonly machine: string;
  /** A file or directory in the guest. */
  readonly path: string;
  /** A directory of this computer, or the new name of what is copied. */
  readonly target: string;
  /** Whether the target must be a directory. */
  readonly directory: boolean;
  /** Whether to keep the owners, by number; only root can. */
  readonly owner: boolean;
  /** Of all files together. */
  readonly maxBytes?: number | undefined;
}

/** What was copied out of a guest, and where it is. */
export interface CopyOutResult {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/** Where the copy goes: into a directory under its own name, or beside it under a new one. */
interface Place {
  readonly directory: string;
  readonly name: string | undefined;
}

async function placeOf(target: string, directory: boolean): Promise<Place> {
  const path = resolve(target);
  const found = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileError(error, path);
  });
  if (found?.isDirectory() === true) return { directory: path, name: undefined };
  if (directory)
    throw new KameError('FILE_ACCESS', `${target} is not a directory.`, {
      next: 'Create it, or name another place.',
    });
  return { directory: dirname(path), name: basename(path) };
}

function hostile(reason: string): KameError {
  return new KameError('GUEST_FAILED', `The guest sent an archive that is not accepted: ${reason}.`, {
    next: 'Nothing of it was kept. A guest that sends such a thing may be broken, or hostile.',
  });
}

/** Checks that all of an archive is under one name, and the one that was asked for. */
async function* underOneName(
  items: AsyncIterable<ArchiveItem>,
  asked: string,
  found: { name?: string },
): AsyncGenerator<ArchiveItem> {
  const last = asked.replace(/\/+$/, '').split('/').at(-1) ?? '';
  const expected = ['', '.', '..'].includes(last) ? undefined : last;
  for await (const item of items) {
    const [name = ''] = item.entry.path.split('/');
    found.name ??= name;
    if (name === '' || name !== found.name || (expected !== undefined && name !== expected))
      throw hostile(`it has ${JSON.stringify(item.entry.path)}, which was not asked for`);
    yield item;
  }
}

/** Lays out what the guest sends in the stage. Of two failures the first is the reason of the other. */
async function receive(
  client: CopyOutClient,
  { machine, path, owner, maxBytes }: CopyOut,
  stage: string,
  { signal: asked, onProgress, onProblem }: CopyOptions,
): Promise<Extracted & { readonly name: string }> {
  const over = new AbortController();
  const signal = asked ? AbortSignal.any([asked, over.signal]) : over.signal;
  const pipe = new BytePipe();
  const found: { name?: string } = {};
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    over.abort();
  };
  let [count, bytes] = [0, 0];
  const getting = client.files
    .get(
      machine,
      { path },
      {
        signal,
        waiting: (stageText) => onProgress?.({ stage: stageText }),
        output: async (part) => {
          bytes += part.length;
          onProgress?.({ stage: `Copying file ${Math.max(1, count)}`, done: bytes, unit: 'bytes' });
          await pipe.push(part);
        },
      },
    )
    .catch(fail)
    .finally(() => pipe.end());
  const items = readArchive(pipe, {
    refuse: hostile,
    ...(maxBytes === undefined ? {} : { limits: { maxBytes } }),
  });
  const extracted = await extract(underOneName(items, path, found), {
    directory: stage,
    owner,
    signal,
    refuse: hostile,
    onEntry: () => (count += 1),
    onLeftOut: (name) => onProblem?.(`${name} is a device or a pipe, and was left out.`),
  }).catch(fail);
  // What fills the last block of the archive is not read, and must not hold up its end.
  pipe.end();
  await getting;
  if (failure) throw failure.error;
  if (!extracted || found.name === undefined) throw hostile('it is empty');
  return { ...extracted, name: found.name };
}

/**
 * Copies a file or directory out of a guest to this computer, where nothing of it is seen before all of it is there. What is
 * in its place is replaced as by `cp -a`. The signal cancels the copy; then nothing of it stays.
 * @throws KameError FILE_ACCESS, DISK_FULL, ALREADY_EXISTS, GUEST_FAILED, CANCELLED, and what the daemon and the guest report
 */
export async function copyOut(
  client: CopyOutClient,
  copy: CopyOut,
  options: CopyOptions,
): Promise<CopyOutResult> {
  const { directory, name } = await placeOf(copy.target, copy.directory);
  await sweepStages(client.home);
  await using stage = await stageIn(directory, client.home);
  const extracted = await receive(client, copy, stage.path, options);
  const target = join(directory, name ?? extracted.name);
  await place(join(stage.path, extracted.name), target);
  const pathOf = ({ path }: ArchiveEntry) => join(target, path.slice(extracted.name.length));
  await finishDirectories(extracted.directories, copy.owner, pathOf);
  return { path: target, files: extracted.files, bytes: extracted.bytes };
}
