import { existsSync } from 'node:fs';
import { mkdir, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, writeFileAtomic } from '../sys/files.ts';
import { readOwnIfThere } from '../sys/own-file.ts';
import { vmxOfBundle } from './bundle-directory.ts';
import { bundleExtension, isAsideName, isBundle, deletingExtension, type HomeNames } from './names.ts';
import { placeAfter, renameLinks, settled, type Renaming } from './renaming.ts';

interface InventoryFile {
  /** Absolute paths of `.vmx` files outside the home. */
  readonly registered: readonly string[];
  /** Paths inside the home that were removed from the list. */
  readonly unregistered: readonly string[];
  /** Deletions in progress; if interrupted, the next start of the daemon finishes them. */
  readonly deleting: readonly Deletion[];
  /** Machines that are getting another path; if interrupted, the next start of the daemon settles where they are. */
  readonly renaming: readonly Renaming[];
  /** For each `.vmx`, the files outside its directory to which the person has agreed. */
  readonly agreed: Readonly<Record<string, readonly string[]>>;
  /** Written by a version that did not ask yet. */
  readonly neverAsked?: boolean;
}

/**
 * A deletion moves the files of a machine to `aside`, a bundle in one step, and then removes `aside`. If `aside` does
 * not exist, the deletion never began and the machine is intact.
 */
export interface Deletion {
  readonly vmx: string;
  /** The directory to which the files are moved, on the same file system. */
  readonly aside: string;
  /** The files to remove, if the directory also contains files that stay; the `.vmx` first. Empty: the whole bundle. */
  readonly files: readonly string[];
}

const empty: InventoryFile = { registered: [], unregistered: [], deleting: [], renaming: [], agreed: {} };
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

function agreements(value: unknown): InventoryFile['agreed'] {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([vmx, files]) => [vmx, strings(files)]));
}

/** The inventory without a machine. @param key its name in `agreed` */
function without(file: InventoryFile, vmx: string, key: string): InventoryFile {
  const { [key]: _, ...agreed } = file.agreed;
  const others = (paths: readonly string[]) => paths.filter((path) => path !== vmx);
  const [registered, unregistered] = [others(file.registered), others(file.unregistered)];
  return { ...file, registered, unregistered, agreed };
}

/** Removes the files of a deletion, and the directories around them that are empty then. */
async function removeListed({ vmx, files }: Deletion): Promise<void> {
  const directories = new Set<string>();
  for (const path of files) {
    const directory = dirname(path);
    // A link that took the place of a directory leads to other files.
    if ((await realpath(directory).catch(() => undefined)) !== directory) continue;
    await rm(path, { force: true });
    directories.add(directory);
  }
  const inner = [...directories].sort((a, b) => b.length - a.length);
  for (const directory of inner) {
    const isMachines = directory !== dirname(vmx) || isBundle(directory);
    if (isMachines) await rmdir(directory).catch(() => undefined);
  }
}

async function readInventory(path: string): Promise<InventoryFile> {
  const bytes = await readOwnIfThere(path, { maxBytes, trusted: true });
  if (!bytes) return empty;
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    return {
      registered: strings(value['registered']),
      unregistered: strings(value['unregistered']),
      deleting: deletions(value['deleting']),
      renaming: Array.isArray(value['renaming']) ? value['renaming'].map(strings) : [],
      agreed: agreements(value['agreed']),
      ...(value['agreed'] === undefined ? { neverAsked: true } : {}),
    };
  } catch (error) {
    throw new KameError('FILE_ACCESS', `${path} is not valid JSON.`, {
      cause: error,
      next: 'Repair the file or move it away. Machines in the home are found without it; register others with `kame register`.',
    });
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
    const hidden = new Set(file.unregistered);
    const found = (await this.#found()).filter((path) => !hidden.has(path));
    return [...new Set([...found, ...file.registered])].sort();
  }

  /** As `paths`, with the machines in the home that were removed from the list: their disks still need their bases. */
  async knownPaths(): Promise<string[]> {
    return [...new Set([...(await this.#found()), ...(await this.paths())])].sort();
  }

  /** The `.vmx` of every bundle in the home. */
  async #found(): Promise<string[]> {
    return await Promise.all((await this.#bundles()).map(vmxOfBundle));
  }

  /** The bundles in the home. A link to a bundle elsewhere counts as that bundle. */
  async #bundles(): Promise<string[]> {
    try {
      const entries = await readdir(this.#names.machines, { withFileTypes: true });
      const bundles = entries.filter(
        (entry) =>
          (entry.isDirectory() || entry.isSymbolicLink()) &&
          !entry.name.startsWith('.') &&
          entry.name.endsWith(bundleExtension),
      );
      return await Promise.all(
        bundles.map(async (entry) => {
          const path = join(this.#names.machines, entry.name);
          return entry.isSymbolicLink() ? await realpath(path).catch(() => path) : path;
        }),
      );
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
    const isFound = (await this.#found()).includes(vmx);
    await this.#change((file) => {
      const rest = without(file, vmx, this.#key(vmx));
      return isFound ? { ...rest, unregistered: [...rest.unregistered, vmx].sort() } : rest;
    });
  }

  /** The outside files that the person has agreed to for a machine; see src/vm/host/outside-files.ts. */
  async agreedFiles(vmx: string): Promise<readonly string[]> {
    const { agreed } = await readInventory(this.#names.inventory);
    return agreed[this.#key(vmx)] ?? [];
  }

  /** Whether the inventory is of a version that asks before a machine uses outside files. */
  async hasAgreements(): Promise<boolean> {
    return (await readInventory(this.#names.inventory)).neverAsked !== true;
  }

  /** From now on the inventory has agreements. */
  async beginAgreements(): Promise<void> {
    await this.#change(({ neverAsked: _, ...file }) => file);
  }

  /** Records to which outside files the person has agreed, in place of earlier ones. */
  async agree(vmx: string, files: readonly string[]): Promise<void> {
    const all = [...new Set(files)].sort();
    await this.#change((file) => ({ ...file, agreed: { ...file.agreed, [this.#key(vmx)]: all } }));
  }

  /** Records that a machine gets other paths, until finishRenaming. */
  async beginRenaming(renaming: Renaming): Promise<void> {
    // An extra path appears as broken for a moment; a missing one would lose the machine.
    const next = renaming.slice(1).filter((vmx) => !this.owns(vmx));
    await this.#change((file) => ({
      ...file,
      registered: [...new Set([...file.registered, ...next])].sort(),
      renaming: [...file.renaming, renaming],
    }));
  }

  /** Settles where a machine is that was getting another path. */
  async finishRenaming(renaming: Renaming): Promise<void> {
    const place = placeAfter(renaming);
    if (place === undefined) return;
    await renameLinks(this.#names.machines, renaming, place);
    await this.#change((file) => ({
      ...settled(file, renaming, place, (vmx) => this.#key(vmx)),
      renaming: file.renaming.filter((other) => !isDeepStrictEqual(other, renaming)),
    }));
  }

  /** Machines in the home are named relative to it, so that it can be moved. */
  #key(vmx: string): string {
    return this.owns(vmx) ? relative(this.#names.home, vmx) : vmx;
  }

  /**
   * Deletes the files of a machine: records the deletion, moves the files aside and removes them. After a kill at any
   * point, either the machine is intact or finishDeletes completes the deletion.
   */
  async deleteFiles(deletion: Deletion): Promise<void> {
    const links = await this.#linksTo(dirname(deletion.vmx));
    await this.#change((file) => ({ ...file, deleting: [...file.deleting, deletion] }));
    try {
      if (deletion.files.length === 0) await rename(dirname(deletion.vmx), deletion.aside);
      else await mkdir(deletion.aside, { mode: 0o700 });
    } catch (error) {
      throw fileError(error, deletion.aside);
    }
    await this.#finishDelete(deletion);
    if (!existsSync(dirname(deletion.vmx))) for (const link of links) await rm(link, { force: true });
  }

  /** The links in the home through which a bundle elsewhere is found. */
  async #linksTo(bundle: string): Promise<string[]> {
    const { machines } = this.#names;
    const entries = await readdir(machines, { withFileTypes: true }).catch(() => []);
    const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(machines, name));
    const targets = await Promise.all(links.map(async (link) => await realpath(link).catch(() => '')));
    return links.filter((_, at) => targets[at] === bundle);
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
        await removeListed(deletion);
        await rm(deletion.aside, { recursive: true, force: true });
      }
    } catch (error) {
      throw fileError(error, deletion.aside);
    }
    await this.#change((file) => {
      const deleting = file.deleting.filter((other) => other.aside !== deletion.aside);
      return { ...(begun ? without(file, deletion.vmx, this.#key(deletion.vmx)) : file), deleting };
    });
  }

  /** Cleans up after a kill: renamings, and incomplete and partly deleted bundles. Call it while no operation is running. */
  async collectGarbage(): Promise<void> {
    const { renaming } = await readInventory(this.#names.inventory);
    for (const one of renaming) await this.finishRenaming(one);
    await this.finishDeletes();
    let names: string[];
    try {
      names = await readdir(this.#names.machines);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw fileError(error, this.#names.machines);
    }
    for (const name of names.filter(isAsideName))
      await rm(join(this.#names.machines, name), { recursive: true, force: true });
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
