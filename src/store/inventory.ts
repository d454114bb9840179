import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, readFileCapped, writeFileAtomic } from '../sys/files.ts';
import { bundleExtension, creatingExtension, deletingExtension, type HomeNames } from './names.ts';

interface InventoryFile {
  /** Absolute paths of `.vmx` files outside of the home. */
  readonly registered: readonly string[];
  /** Paths inside the home that were taken off the list. */
  readonly unregistered: readonly string[];
  /** Deletions that have begun; finished on the next start of the daemon. */
  readonly deleting: readonly Deletion[];
}

/**
 * A deletion moves the machine's files aside, the bundle in one step, and then removes what lies aside. If `aside` is not
 * there, the deletion never began and the machine is whole.
 */
export interface Deletion {
  readonly vmx: string;
  /** Where the files are moved, on the same file system. */
  readonly aside: string;
  /** Files to move when the directory is no bundle and may hold other things; the `.vmx` first. */
  readonly files: readonly string[];
}

const empty: InventoryFile = { registered: [], unregistered: [], deleting: [] };
const maxBytes = 4 * 1024 * 1024;

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

function deletions(value: unknown): Deletion[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const { vmx, aside, files } = item as Record<string, unknown>;
    const whole = typeof vmx === 'string' && typeof aside === 'string' && aside.endsWith(deletingExtension);
    return whole ? [{ vmx, aside, files: strings(files) }] : [];
  });
}

async function readInventory(path: string): Promise<InventoryFile> {
  let bytes: Buffer;
  try {
    bytes = await readFileCapped(path, maxBytes);
  } catch (error) {
    if (error instanceof KameError && errnoOf(error.cause) === 'ENOENT') return empty;
    throw error;
  }
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    return {
      registered: strings(value['registered']),
      unregistered: strings(value['unregistered']),
      deleting: deletions(value['deleting']),
    };
  } catch (error) {
    throw new KameError('FILE_ACCESS', `${path} is not valid JSON.`, {
      cause: error,
      next: `Mend or move the file away. Machines in the home are found without it; others need kame register.`,
    });
  }
}

/** The `.vmx` of a bundle. A bundle without one is listed too, as broken. */
async function vmxOfBundle(bundle: string): Promise<string> {
  const stem = bundle.slice(dirname(bundle).length + 1, -bundleExtension.length);
  const expected = `${stem}.vmx`;
  try {
    const files = (await readdir(bundle)).filter((name) => name.endsWith('.vmx')).sort();
    const found = files.includes(expected) ? expected : files[0];
    return join(bundle, found ?? expected);
  } catch {
    return join(bundle, expected);
  }
}

/**
 * Which machines there are. The home's bundles are found by looking, so a lost inventory file loses only what lies
 * elsewhere. All writes go through one queue and are atomic.
 */
export class Inventory {
  readonly #names: HomeNames;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(names: HomeNames) {
    this.#names = names;
  }

  /** Absolute paths of all `.vmx` files, sorted. */
  async paths(): Promise<string[]> {
    const file = await readInventory(this.#names.inventory);
    const bundles = await this.#bundles();
    const own = await Promise.all(bundles.map(vmxOfBundle));
    const hidden = new Set(file.unregistered);
    const all = new Set([...own.filter((path) => !hidden.has(path)), ...file.registered]);
    return [...all].sort();
  }

  async #bundles(): Promise<string[]> {
    try {
      const entries = await readdir(this.#names.machines, { withFileTypes: true });
      return entries
        .filter(
          (entry) =>
            entry.isDirectory() && !entry.name.startsWith('.') && entry.name.endsWith(bundleExtension),
        )
        .map((entry) => join(this.#names.machines, entry.name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw fileError(error, this.#names.machines);
    }
  }

  /** Whether a path lies in the home, where bundles are found without being registered. */
  owns(vmx: string): boolean {
    return dirname(dirname(vmx)) === this.#names.machines && dirname(vmx).endsWith(bundleExtension);
  }

  async register(vmx: string): Promise<void> {
    await this.#change((file) => ({
      ...file,
      registered: this.owns(vmx) ? file.registered : [...new Set([...file.registered, vmx])].sort(),
      unregistered: file.unregistered.filter((path) => path !== vmx),
    }));
  }

  async unregister(vmx: string): Promise<void> {
    await this.#change((file) => ({
      ...file,
      registered: file.registered.filter((path) => path !== vmx),
      unregistered: this.owns(vmx) ? [...new Set([...file.unregistered, vmx])].sort() : file.unregistered,
    }));
  }

  /**
   * Deletes a machine's files: writes down what is to go, moves it aside, removes it. Killed at any point, the machine is
   * whole, or finishDeletes ends the work.
   */
  async deleteFiles(deletion: Deletion): Promise<void> {
    await this.#change((file) => ({ ...file, deleting: [...file.deleting, deletion] }));
    try {
      if (deletion.files.length === 0) await rename(dirname(deletion.vmx), deletion.aside);
      else await mkdir(deletion.aside, { mode: 0o700 });
    } catch (error) {
      throw fileError(error, deletion.aside);
    }
    await this.#finishDelete(deletion);
  }

  /** Ends every deletion that was begun and not ended. */
  async finishDeletes(): Promise<void> {
    const { deleting } = await readInventory(this.#names.inventory);
    for (const deletion of deleting) await this.#finishDelete(deletion);
  }

  async #finishDelete(deletion: Deletion): Promise<void> {
    const begun = existsSync(deletion.aside);
    try {
      if (begun) {
        for (const file of deletion.files) await rm(file, { force: true });
        await rm(deletion.aside, { recursive: true, force: true });
      }
    } catch (error) {
      throw fileError(error, deletion.aside);
    }
    await this.#change((file) => ({
      registered: begun ? file.registered.filter((path) => path !== deletion.vmx) : file.registered,
      unregistered: begun ? file.unregistered.filter((path) => path !== deletion.vmx) : file.unregistered,
      deleting: file.deleting.filter((other) => other.aside !== deletion.aside),
    }));
  }

  /** Removes half-made and half-deleted bundles of the home. Call it when no operation is under way. */
  async collectGarbage(): Promise<void> {
    await this.finishDeletes();
    let names: string[];
    try {
      names = await readdir(this.#names.machines);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw fileError(error, this.#names.machines);
    }
    const halfMade = names.filter(
      (name) =>
        name.startsWith('.') && (name.endsWith(creatingExtension) || name.endsWith(deletingExtension)),
    );
    for (const name of halfMade) await rm(join(this.#names.machines, name), { recursive: true, force: true });
  }

  async #change(edit: (file: InventoryFile) => InventoryFile): Promise<void> {
    const result = this.#queue.then(async () => {
      await mkdir(this.#names.home, { recursive: true, mode: 0o700 });
      const before = await readInventory(this.#names.inventory);
      const next = edit(before);
      if (isDeepStrictEqual(before, next)) return;
      await writeFileAtomic(this.#names.inventory, `${JSON.stringify(next, null, 2)}\n`);
    });
    this.#queue = result.catch(() => undefined);
    await result;
  }
}
