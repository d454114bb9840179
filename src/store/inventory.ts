import { existsSync } from 'node:fs';
import { mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { KameError, errnoOf } from '../core/errors.ts';
import { fileError, writeFileAtomic } from '../sys/files.ts';
import { vmxOfBundle } from './bundle-directory.ts';
import { removeListed, type Deletion } from './deletion.ts';
import { removeIncomplete } from './incomplete.ts';
import { emptyInventory, readInventory, without, type InventoryFile } from './inventory-file.ts';
import { bundleExtension, isAsideName, type HomeNames } from './names.ts';
import { placeAfter, renameLinks, settled, type Renaming } from './renaming.ts';

/** Why a part of the list cannot be read; `details.path` names it. */
function unreadable(path: string, error: unknown): KameError {
  const { message, cause, next } = fileError(error, path);
  return new KameError(
    'FILE_ACCESS',
    `${message.replace(/\.?$/, '.')} The machines that it lists are missing.`,
    {
      cause,
      next,
      details: { path },
    },
  );
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

  /** Absolute paths of all `.vmx` files, sorted. @throws KameError FILE_ACCESS unless all of the list can be read */
  async paths(): Promise<string[]> {
    const { paths, unread } = await this.readable();
    if (unread[0]) throw unread[0];
    return paths;
  }

  /** As `paths`, of what can be read, with the reasons why the rest cannot. */
  async readable(): Promise<{ readonly paths: string[]; readonly unread: readonly KameError[] }> {
    const unread: KameError[] = [];
    const orElse = <T>(path: string, nothing: T) => {
      return (error: unknown): T => {
        unread.push(unreadable(path, error));
        return nothing;
      };
    };
    const { machines, inventory } = this.#names;
    const file = await readInventory(inventory).catch(orElse(inventory, emptyInventory));
    const found = await this.#found().catch(orElse(machines, []));
    const hidden = new Set(file.unregistered.map((path) => resolve(this.#names.home, path)));
    const listed = found.filter((path) => !hidden.has(path));
    return { paths: [...new Set([...listed, ...file.registered])].sort(), unread };
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
      unregistered: file.unregistered.filter((path) => path !== vmx && path !== this.#key(vmx)),
    }));
  }

  async unregister(vmx: string): Promise<void> {
    const isFound = (await this.#found()).includes(vmx);
    await this.#change((file) => {
      const rest = without(file, vmx, this.#key(vmx));
      return isFound ? { ...rest, unregistered: [...rest.unregistered, this.#key(vmx)].sort() } : rest;
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

  /** Makes files elsewhere than in the home. After a kill, what is incomplete is removed. @param temporary their directory */
  async whileCreating(temporary: string, make: () => Promise<void>): Promise<void> {
    await this.#change((file) => ({ ...file, creating: [...file.creating, temporary] }));
    try {
      await make();
    } finally {
      await this.#forgetCreating([temporary]);
    }
  }

  async #forgetCreating(paths: readonly string[]): Promise<void> {
    await this.#change((file) => ({
      ...file,
      creating: file.creating.filter((path) => !paths.includes(path)),
    }));
  }

  /** Removes what is incomplete elsewhere. One that is on a drive that is not there is forgotten with it. */
  async #removeIncomplete(): Promise<void> {
    const { creating } = await readInventory(this.#names.inventory);
    for (const path of creating) await removeIncomplete(path);
    await this.#forgetCreating(creating);
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
    await this.#removeIncomplete();
    await this.#forgetGone();
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

  /**
   * Forgets that machines were removed from the list whose bundles are not in the home any more: another machine that is put there
   * later must be found. A bundle elsewhere may be on a drive that is not plugged in.
   */
  async #forgetGone(): Promise<void> {
    const isGone = (path: string) => {
      const vmx = resolve(this.#names.home, path);
      return this.owns(vmx) && !existsSync(dirname(vmx));
    };
    await this.#change((file) => ({
      ...file,
      unregistered: file.unregistered.filter((path) => !isGone(path)),
    }));
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
