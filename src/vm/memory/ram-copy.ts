import { constants } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { allDone } from '../../core/all-done.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { SavedRam } from '../../store/checkpoint.ts';
import { noRamPlace, ramRoom } from '../../store/ram-place.ts';
import type { CopyThreads } from '../../sys/copy-threads.ts';
import {
  copyExtents,
  extentBytes,
  makeHole,
  mergeExtents,
  subtractExtents,
  type CopyExtentsOptions,
  type Extent,
} from '../../sys/extents.ts';
import { touchedExtents } from '../../sys/mapped-pages.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { writeLastingRam } from './lasting-ram.ts';

/** The RAM of a running machine in a file that other processes can read. */
interface RamSource {
  readonly path: string;
  readonly size: number;
  readonly pid: number;
  readonly filled: readonly Extent[];
}

function sourceOf(machine: Running): RamSource | undefined {
  const { ram, filled, fingerprint } = machine.record;
  if (!ram?.share) return undefined;
  return {
    path: ram.path,
    size: fingerprint.memoryMiB * 1024 * 1024,
    pid: machine.engine.process.pid,
    filled,
  };
}

/** Share of the RAM that a guest may touch while it is copied. */
const growingShare = 1 / 8;

/** Where a copy of the RAM goes first. */
export interface CopyPlace {
  /** Straight to the disk: the guest is paused for longer, but nothing else on the memory file system is at risk. */
  readonly toDisk: boolean;
  /** Why, for the user; null if the copy goes to the memory file system. */
  readonly note: string | null;
}

function straightToDisk({ name }: Running, reason: string): CopyPlace {
  return {
    toDisk: true,
    note: `The memory was written straight to the disk, and ${name} was paused meanwhile: ${reason}.`,
  };
}

/** Whether a copy failed because others have filled the memory file system in the meantime. */
export function isRamFull({ names }: Host, error: unknown): boolean {
  if (!(error instanceof KameError) || error.code !== 'DISK_FULL') return false;
  const { path } = error.details;
  return typeof path === 'string' && dirname(path) === names.ram;
}

/**
 * Chooses the place of a snapshot's RAM: a copy that filled the memory file system would kill every guest there.
 * @param full the memory file system was full a moment ago
 */
export async function copyPlace(host: Host, machine: Running, full: boolean): Promise<CopyPlace> {
  if (!sourceOf(machine)) return { toDisk: false, note: null };
  if (full) return straightToDisk(machine, `${host.names.ram} became full while it was copied there`);
  const whole = machine.record.fingerprint.memoryMiB * 1024 * 1024;
  const bytes = Math.min(whole, (await ramBytes(machine)) + whole * growingShare);
  const room = await ramRoom(host.names);
  if (room.bytes >= bytes) return { toDisk: false, note: null };
  return straightToDisk(machine, noRamPlace(room, bytes));
}

/** Approximate size of a copy of the machine's RAM, in bytes. */
export async function ramBytes(machine: Running): Promise<number> {
  const source = sourceOf(machine);
  const whole = machine.record.fingerprint.memoryMiB * 1024 * 1024;
  const extents = source && (await touchedExtents(source.pid, source.path, source.filled));
  return extents ? extentBytes(extents) : whole;
}

async function reflink(from: string, to: string): Promise<boolean> {
  if (process.platform !== 'darwin') return false;
  return await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE).then(
    () => true,
    () => false,
  );
}

export interface RamCopyOptions {
  readonly path: string;
  /** The file is the final one, on a disk: zeros become holes, and it is flushed. */
  readonly lasting?: boolean;
}

/** Copies a machine's RAM file: a preliminary copy while the guest runs, and the final one while it is paused. */
export class RamCopy implements Disposable {
  readonly #source: RamSource;
  readonly #target: RamCopyOptions;
  /** Null if RAM goes to a disk, which is slower than a single thread. */
  readonly #threads: Promise<CopyThreads> | null;
  /** The pages that the final copy begins with, found while the guest ran. */
  #first: readonly Extent[] = [];
  /** Blocks of the source file when they were found. */
  #firstBlocks = 0;

  private constructor(source: RamSource, target: RamCopyOptions, threads: Promise<CopyThreads> | null) {
    this.#source = source;
    this.#target = target;
    this.#threads = threads;
    // The copy reports the failure.
    threads?.catch(() => undefined);
  }

  /**
   * Creates the empty target file.
   * @returns null when the machine's RAM is not in a file that other processes can read
   * @throws KameError DISK_FULL, FILE_ACCESS
   */
  static async begin(
    { startCopyThreads }: Host,
    machine: Running,
    target: RamCopyOptions,
  ): Promise<RamCopy | null> {
    const source = sourceOf(machine);
    if (!source) return null;
    await makeHole(target.path, source.size);
    return new RamCopy(source, target, target.lasting ? null : startCopyThreads());
  }

  /** Resolves when the copy can start without delay: finding the pages that the guest has touched is most of what it would wait for. */
  async ready(): Promise<void> {
    if (!this.#threads) return;
    await this.#find();
    await this.#threads;
  }

  /** Finds the pages to copy first. */
  async #find(): Promise<void> {
    this.#firstBlocks = await this.#blocks();
    this.#first = (await this.#extents()) ?? [];
  }

  async #blocks(): Promise<number> {
    return (await stat(this.#source.path)).blocks;
  }

  async #extents(): Promise<readonly Extent[] | undefined> {
    return await touchedExtents(this.#source.pid, this.#source.path, this.#source.filled);
  }

  async #copy(extents: readonly Extent[], signal?: AbortSignal): Promise<void> {
    const threads = await this.#threads;
    if (extents.length > 0) await threads?.copy(this.#source.path, this.#target.path, extents, signal);
  }

  /** Copies extents that may contain zeros, which become holes. */
  async #copyThrough(extents: readonly Extent[], progress: Progress): Promise<void> {
    const { path, size } = this.#source;
    const copy = async (options: Omit<CopyExtentsOptions, 'size'>) => {
      await copyExtents(path, this.#target.path, extents, { size, skipZeros: true, ...options });
    };
    if (this.#target.lasting) await writeLastingRam(extentBytes(extents), progress, copy);
    else await copy({});
  }

  /**
   * Copies while the guest runs, only to allocate pages: the final copy overwrites them, which takes a third of the time
   * that new pages take on a memory file system.
   * @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED
   */
  async prefill(signal: AbortSignal): Promise<void> {
    await this.#find();
    await this.#copy(this.#first, signal);
  }

  /** Makes the final copy while the guest is paused. @throws KameError DISK_FULL, FILE_ACCESS, CANCELLED */
  async copy(progress: Progress): Promise<SavedRam> {
    const { path, size } = this.#source;
    if (await reflink(path, this.#target.path)) return { kind: 'file', size, extents: [[0, size]] };
    const first = this.#first;
    // Nothing removes pages from a guest's RAM (there is no balloon), so a file that has not grown has the same pages.
    const same = first.length > 0 && (await this.#blocks()) === this.#firstBlocks;
    const [extents] = await allDone([same ? Promise.resolve(first) : this.#extents(), this.#copy(first)]);
    const all: Extent[] = extents ? mergeExtents([...extents, ...first], 0) : [[0, size]];
    const rest = subtractExtents(all, first);
    if (extents && !this.#target.lasting) await this.#copy(rest);
    else await this.#copyThrough(rest, progress);
    return { kind: 'file', size, extents: all };
  }

  [Symbol.dispose](): void {
    this.#threads?.then(
      (threads) => threads[Symbol.dispose](),
      () => undefined,
    );
  }
}
