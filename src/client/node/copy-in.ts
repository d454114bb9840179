import { basename, resolve } from 'node:path';
import { measure, pack, type PackSource } from '../../archive/pack.ts';
import type { DroppedPlace } from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { FileChannels, PutResult } from '../core/file-channels.ts';
import type { TaskOptions } from '../core/options.ts';

export interface CopyOptions extends TaskOptions {
  /** Told what was left out or changed meanwhile. */
  readonly onProblem?: (text: string) => void;
}

export interface CopyIn {
  /** Files and directories of this computer. */
  readonly sources: readonly string[];
  readonly machine: string;
  /** In the guest. */
  readonly path: string;
  /** Whether the path must be a directory. */
  readonly directory: boolean;
  /** Whether to keep the owners, by number. */
  readonly owner: boolean;
}

function sourcesOf(paths: readonly string[]): PackSource[] {
  const sources = paths.map((path) => ({ path: resolve(path), name: basename(resolve(path)) }));
  const names = new Set<string>();
  for (const { path, name } of sources) {
    if (name === '')
      throw new KameError('USAGE', `${path} has no name to copy it under: name the directories in it.`);
    if (names.has(name))
      throw new KameError('USAGE', `Two of the things to copy are named ${name}.`, {
        next: 'Copy them one by one.',
      });
    names.add(name);
  }
  return sources;
}

/** Bytes of the files that were sent, as the part of an archive that the guest has. */
function reporter(
  total: { readonly files: number; readonly bytes: number },
  made: () => number,
  onProgress: CopyOptions['onProgress'],
): (bytes: number) => void {
  return (bytes) =>
    onProgress?.({
      stage: `Copying ${total.files === 1 ? '1 file' : `file ${Math.max(1, made())} of ${total.files}`}`,
      done: Math.min(bytes, total.bytes),
      total: total.bytes,
      unit: 'bytes',
    });
}

/**
 * Drops files of this computer into the session of the desktop of a guest. The signal cancels; files before it are there.
 * @throws KameError FILE_ACCESS, and what the daemon and the guest report
 */
export async function dropIn(
  client: { readonly files: Pick<FileChannels, 'drop'> },
  { sources: paths, machine }: Pick<CopyIn, 'sources' | 'machine'>,
  { signal = new AbortController().signal, onProgress, onProblem }: CopyOptions,
): Promise<readonly DroppedPlace[]> {
  const sources = sourcesOf(paths);
  const total = await measure(sources, signal);
  let made = 0;
  const archive = pack(sources, {
    owner: false,
    signal,
    onEntry: () => (made += 1),
    onProblem: (where, problem) => onProblem?.(`${where} ${problem}.`),
  });
  const progress = reporter(total, () => made, onProgress);
  return await client.files.drop(machine, { archive, signal, progress });
}

/**
 * Copies files and directories of this computer into a guest. The signal cancels the copy; then nothing of it stays.
 * @throws KameError FILE_ACCESS, and what the daemon and the guest report
 */
export async function copyIn(
  client: { readonly files: Pick<FileChannels, 'put'> },
  { sources: paths, machine, path, directory, owner }: CopyIn,
  { signal = new AbortController().signal, onProgress, onProblem }: CopyOptions,
): Promise<PutResult> {
  const sources = sourcesOf(paths);
  onProgress?.({ stage: 'Looking at the files' });
  const total = await measure(sources, signal);
  let made = 0;
  const archive = pack(sources, {
    owner,
    signal,
    onEntry: () => (made += 1),
    onProblem: (where, problem) => onProblem?.(`${where} ${problem}.`),
  });
  const progress = reporter(total, () => made, onProgress);
  const waiting = (stage: string) => onProgress?.({ stage });
  return await client.files.put(machine, { path, directory }, { archive, signal, progress, waiting });
}
