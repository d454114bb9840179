import type { BigIntStats } from 'node:fs';
import type { ConfinedDirectory } from '../sys/confined-directory.ts';
import { isOwnName, maxDepth } from './names.ts';
import { enter } from './place.ts';
import { replaceFile, type Append } from './put.ts';
import { Refusal } from './refusal.ts';
import { identityOf, isHidden, type Shares } from './share.ts';

const chunkBytes = 256 * 1024;

/** What a change of a whole tree needs. */
export interface TreeWork {
  readonly shares: Shares;
  /** Aborted when the guest goes away: what is done so far stays. */
  readonly signal: AbortSignal;
}

function checkGuest({ signal }: TreeWork): void {
  if (signal.aborted) throw new Refusal(400, 'The guest has gone away.');
}

function checkWork(work: TreeWork, depth: number): void {
  checkGuest(work);
  if (depth > maxDepth) throw new Refusal(403, 'The folders are too deep.');
}

/** @throws Refusal 403 for a directory that leads to the files of Kame */
export function refusePinned({ pinned }: Shares, found: BigIntStats): void {
  if (pinned.has(identityOf(found)))
    throw new Refusal(403, 'The folder has files of Kame in it, so it is not moved or removed.');
}

/**
 * Removes a name and all that is in it. Links in it are removed as what they are; the files of Kame stop it.
 * @throws Refusal; errors of Node
 */
export async function removeTree(
  work: TreeWork,
  directory: ConfinedDirectory,
  name: string,
  depth = 0,
): Promise<void> {
  checkWork(work, depth);
  const found = await directory.entry(name);
  if (!found) return;
  if (!found.isDirectory()) {
    await directory.removeFile(name);
    return;
  }
  refusePinned(work.shares, found);
  {
    await using inner = await enter(work.shares, directory, name);
    for await (const child of inner.names()) await removeTree(work, inner, child, depth + 1);
  }
  await directory.removeDirectory(name);
}

/** One end of a copy. */
interface End {
  readonly directory: ConfinedDirectory;
  readonly name: string;
}

async function copyFile(work: TreeWork, from: End, to: End, found: BigIntStats): Promise<void> {
  await using source = await from.directory.openToRead(from.name);
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const write = async (append: Append) => {
    for (let at = 0; ;) {
      checkGuest(work);
      const bytes = await source.read(buffer, at);
      if (bytes.length === 0) return;
      await append(bytes);
      at += bytes.length;
    }
  };
  await replaceFile({ ...to, bytes: Number(found.size), mode: Number(found.mode) }, write);
}

/** Directories that a copy has made, by identityOf: they are not copied again when they are within what is copied. */
type Made = Set<string>;

/**
 * Copies a file, in place of one that is there, or a folder to a name that is free; with `flat` only the folder itself. What guests
 * may not see is left out.
 * @throws Refusal; errors of Node
 */
export async function copyTree(
  work: TreeWork,
  from: End,
  to: End,
  { flat = false, depth = 0, made = new Set() }: { flat?: boolean; depth?: number; made?: Made } = {},
): Promise<void> {
  checkWork(work, depth);
  const found = await from.directory.entry(from.name);
  if (!found || isHidden(work.shares, from.name, found) || made.has(identityOf(found))) return;
  if (found.isFile()) {
    await copyFile(work, from, to, found);
    return;
  }
  await using source = await enter(work.shares, from.directory, from.name);
  await to.directory.makeDirectory(to.name);
  await using target = await to.directory.enter(to.name);
  made.add(identityOf(await target.stat()));
  if (flat) return;
  for await (const child of source.names()) {
    if (isOwnName(child)) continue;
    const ends = [
      { directory: source, name: child },
      { directory: target, name: child },
    ] as const;
    await copyTree(work, ...ends, { depth: depth + 1, made });
  }
}
