import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import type { SavedRam } from '../../store/checkpoint.ts';
import { copyExtents, extentBytes, type Extent } from '../../sys/extents.ts';
import { touchedExtents } from '../../sys/mapped-pages.ts';
import type { RunningMachine } from '../running.ts';

/** From that many bytes on, RAM is copied once while the guest runs: the copy while it stands still is then faster. */
const twiceFrom = 96 * 1024 * 1024;

/** RAM of a running machine that lies in a file others can read. */
interface RamSource {
  readonly path: string;
  readonly size: number;
  readonly pid: number;
  readonly filled: readonly Extent[];
}

function sourceOf(machine: RunningMachine): RamSource | undefined {
  const { ram, filled, fingerprint } = machine.record;
  if (!ram?.share) return undefined;
  return {
    path: ram.path,
    size: fingerprint.memoryMiB * 1024 * 1024,
    pid: machine.engine.identity.pid,
    filled,
  };
}

/** Whether a machine's RAM can be copied from outside of its engine. */
export function hasRamFile(machine: RunningMachine): boolean {
  return sourceOf(machine) !== undefined;
}

/** Bytes that a copy of the machine's RAM takes, about. */
export async function ramBytes(machine: RunningMachine): Promise<number> {
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

/** Copies a machine's RAM file in two steps: one that may run while the guest does, and the one that counts. */
export class RamCopy {
  readonly #source: RamSource;
  readonly #target: string;

  /** The machine must have a RAM file. */
  constructor(machine: RunningMachine, target: string) {
    const source = sourceOf(machine);
    if (!source) throw new TypeError('RAM without a file');
    this.#source = source;
    this.#target = target;
  }

  async #extents(): Promise<readonly Extent[] | undefined> {
    return await touchedExtents(this.#source.pid, this.#source.path, this.#source.filled);
  }

  /** Makes the target's pages, so that the copy that counts only overwrites them. */
  async prepare(once: boolean, signal: AbortSignal): Promise<void> {
    await rm(this.#target, { force: true });
    if (once) return;
    const extents = await this.#extents();
    if (!extents || extentBytes(extents) < twiceFrom) return;
    await copyExtents(this.#source.path, this.#target, extents, { size: this.#source.size, signal });
  }

  /** Copies while the guest stands still. */
  async copy(): Promise<SavedRam> {
    const { path, size } = this.#source;
    if (await reflink(path, this.#target)) return { kind: 'file', size, extents: [[0, size]] };
    const extents = await this.#extents();
    await copyExtents(path, this.#target, extents ?? [[0, size]], { size, skipZeros: extents === undefined });
    return { kind: 'file', size, extents: extents ?? [[0, size]] };
  }
}
