import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, readFileCapped, writeFileAtomic } from '../sys/files.ts';
import { bundleExtension, creatingExtension, deletingExtension, type HomeNames } from './names.ts';

interface InventoryFile {
  /** Absolute paths of `.vmx` files outside the home. */
  readonly registered: readonly string[];
  /** Paths inside the home that were removed from the list. */
  readonly unregistered: readonly string[];
  /** Deletions in progress; if interrupted, the next start of the daemon finishes them. */
  readonly deleting: readonly Deletion[];
}

/**
 * A deletion moves the files of a machine to `aside`, a bundle in one step, and then removes `aside`. If `aside` does
 * not exist, the deletion never began and the machine is intact.
 */
export interface Deletion {
  readonly vmx: string;
  /** The directory to which the files are moved, on the same file system. */
  readonly aside: string;
  /** The files to remove if the directory is not a bundle and may contain other files; the `.vmx` first. */
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
      next: 'Repair the file or move it away. Machines in the home are found without it; register others with `kame register`.',
    });
  }
}

/** The `.vmx` of a bundle. A bundle without one is listed as broken, so this returns the expected path. */
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
 * The list of machines. Bundles in the home are found by reading the directory, so losing the inventory file only loses
 * machines elsewhere. All writes go through one queue and are atomic.
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

  /** As `paths`, with the machines in the home that were removed from the list: their disks still need their bases. */
  async knownPaths(): Promise<string[]> {
    const own = await Promise.all((await this.#bundles()).map(vmxOfBundle));
    return [...new Set([...own, ...(await this.paths())])].sort();
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

  /** Whether a `.vmx` is in the home, where bundles are found without being registered. */
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
   * Deletes the files of a machine: records the deletion, moves the files aside and removes them. After a kill at any
   * point, either the machine is intact or finishDeletes completes the deletion.
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

  /** Completes every interrupted deletion. */
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

  /** Removes incomplete and partly deleted bundles from the home. Call it only while no operation is running. */
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
