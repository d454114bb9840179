import type { BigIntStats } from 'node:fs';
import { ConfinedDirectory } from '../sys/confined-directory.ts';
import { Refusal } from './refusal.ts';
import { identityOf, isHidden, type Share, type Shares } from './share.ts';

/** What an address names: the list of shares, a share, or something in one, which need not exist. */
export class Place implements AsyncDisposable {
  readonly names: readonly string[];
  readonly shares: Shares;
  /** Undefined for the list of shares. */
  readonly share: Share | undefined;
  /** The share itself, or the directory with `leaf`. Undefined for the list of shares. */
  readonly #directory: ConfinedDirectory | undefined;
  /** Undefined for the list of shares and for a share. */
  readonly leaf: string | undefined;

  private constructor(
    names: readonly string[],
    shares: Shares,
    share: Share | undefined,
    directory: ConfinedDirectory | undefined,
  ) {
    this.names = names;
    this.shares = shares;
    this.share = share;
    this.#directory = directory;
    this.leaf = names.length > 1 ? names.at(-1) : undefined;
  }

  /**
   * Finds what names lead to, from directory to directory.
   * @throws Refusal 404 when a folder on the way is missing; errors of Node
   */
  static async find(shares: Shares, names: readonly string[]): Promise<Place> {
    const [first, ...rest] = names;
    if (first === undefined) return new Place(names, shares, undefined, undefined);
    const share = shares.list.find(({ name }) => name === first);
    if (!share) throw new Refusal(404, 'There is no shared folder of that name.');
    let directory = await openShare(shares, share);
    try {
      for (const name of rest.slice(0, -1)) {
        const next = await enter(shares, directory, name);
        await directory[Symbol.asyncDispose]();
        directory = next;
      }
      return new Place(names, shares, share, directory);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What is there. @returns undefined if nothing is @throws Refusal 403 for what guests may not see */
  async entry(): Promise<BigIntStats | undefined> {
    if (this.leaf === undefined) return await this.#directory?.stat();
    const found = await this.#directory?.entry(this.leaf);
    if (found && isHidden(this.shares, this.leaf, found))
      throw new Refusal(403, 'Links, devices and the files of Kame are not shared.');
    return found;
  }

  /** The directory that has the last name. @throws Refusal 403 for a share, which has no other place */
  get parent(): ConfinedDirectory {
    if (this.leaf === undefined || !this.#directory)
      throw new Refusal(403, 'Shared folders are added and removed on the host.');
    return this.#directory;
  }

  /** The last name. @throws Refusal 403 for a share */
  get name(): string {
    if (this.leaf === undefined) throw new Refusal(403, 'Shared folders are added and removed on the host.');
    return this.leaf;
  }

  /** Opens the directory that is there; the caller closes it. */
  async open(): Promise<ConfinedDirectory> {
    if (!this.share) throw new Refusal(403, 'The list of shared folders is not a folder.');
    if (this.leaf === undefined) return await openShare(this.shares, this.share);
    return await enter(this.shares, this.parent, this.leaf);
  }

  /** @throws Refusal 403 when the guest may not write here */
  requireWritable(): void {
    if (!this.share) throw new Refusal(403, 'Shared folders are added and removed on the host.');
    if (!this.share.writable)
      throw new Refusal(403, `${this.share.name} is shared read-only.`, {
        // For kame-tools: programs tell this from a missing permission.
        headers: { 'Kame-Refused': 'read-only' },
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory?.[Symbol.asyncDispose]();
  }
}

/** Opens the directory of a share. @throws Refusal 404 when it is not there now */
export async function openShare(shares: Shares, { path, name }: Share): Promise<ConfinedDirectory> {
  const directory = await ConfinedDirectory.open(path).catch(() => undefined);
  if (!directory) throw new Refusal(404, `The folder that is shared as ${name} is not there now.`);
  return await visible(shares, directory);
}

/** Opens a directory in another one. @throws Refusal 403 for one that guests may not see; errors of Node */
export async function enter(
  shares: Shares,
  directory: ConfinedDirectory,
  name: string,
): Promise<ConfinedDirectory> {
  const found = await directory.entry(name);
  if (!found) throw new Refusal(404, 'There is no such folder.');
  if (isHidden(shares, name, found))
    throw new Refusal(403, 'Links, devices and the files of Kame are not shared.');
  if (!found.isDirectory()) throw new Refusal(404, 'There is no such folder.');
  return await visible(shares, await directory.enter(name));
}

/** Looks again at what was opened, which may be another directory than was looked at. */
async function visible(shares: Shares, directory: ConfinedDirectory): Promise<ConfinedDirectory> {
  try {
    if (shares.hidden.has(identityOf(await directory.stat())))
      throw new Refusal(403, 'The files of Kame are not shared.');
    return directory;
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}
