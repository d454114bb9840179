import type { BigIntStats } from 'node:fs';
import { errnoOf } from '../core/errors.ts';
import { isWithin } from './names.ts';
import { Place } from './place.ts';
import { missingParent } from './put.ts';
import { Refusal } from './refusal.ts';
import { answer, depthOf, destinationOf, headerOf, refuseBody, type Exchange } from './request.ts';
import { identityOf } from './share.ts';
import { copyTree, refusePinned, removeTree, type TreeWork } from './tree.ts';

/** The work of an exchange, which ends with the connection of the guest. */
function workOf({ shares, response }: Exchange): TreeWork {
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  return { shares, signal: stop.signal };
}

/** MKCOL: an empty folder. @throws Refusal; errors of Node */
export async function makeFolder(exchange: Exchange): Promise<void> {
  const { shares, names, locks, tokens } = exchange;
  refuseBody(exchange);
  await using place = await Place.find(shares, names).catch((error: unknown) => {
    throw missingParent(error, names);
  });
  place.requireWritable();
  locks.requireFree(names, tokens, false);
  if (place.leaf === undefined || (await place.entry())) throw new Refusal(405, 'It exists already.');
  await place.parent.makeDirectory(place.leaf);
  answer(exchange, 201);
}

/** Removes a file or a folder, but nothing that is in it. @throws Refusal 403; errors of Node */
async function removeOnly({ shares }: Exchange, { parent, name }: Place, found: BigIntStats): Promise<void> {
  refusePinned(shares, found);
  await (found.isDirectory() ? parent.removeDirectory(name) : parent.removeFile(name));
}

/**
 * DELETE of a file, or of a folder with all in it. With depth 0, which only kame-tools ask for, the folder must be empty: what guests
 * do not see may be in it.
 * @throws Refusal; errors of Node
 */
export async function remove(exchange: Exchange): Promise<void> {
  const { shares, names, locks, tokens } = exchange;
  const depth = depthOf(exchange, ['infinity', '0']);
  await using place = await Place.find(shares, names);
  place.requireWritable();
  locks.requireFree(names, tokens, true);
  const { parent, name } = place;
  const found = await place.entry();
  if (!found) throw new Refusal(404, 'There is no such file or folder.');
  if (depth === '0') await removeOnly(exchange, place, found);
  else await removeTree(workOf(exchange), parent, name);
  locks.forget(names);
  answer(exchange, 204);
}

/** Where something is copied or moved to, with what is there now. */
async function openDestination(exchange: Exchange, names: readonly string[]) {
  const { shares, locks, tokens } = exchange;
  const to = await Place.find(shares, names).catch((error: unknown) => {
    throw missingParent(error, names);
  });
  try {
    to.requireWritable();
    locks.requireFree(names, tokens, true);
    const there = await to.entry();
    const overwrites = headerOf(exchange, 'overwrite')?.toUpperCase() !== 'F';
    if (there && !overwrites) throw new Refusal(412, 'The destination exists.');
    if (there) refusePinned(shares, there);
    return { to, there };
  } catch (error) {
    await to[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws Refusal 403 when one of the two is in the other */
function refuseNested(from: readonly string[], to: readonly string[]): void {
  if (isWithin(from, to) || isWithin(to, from))
    throw new Refusal(403, 'The source and the destination are in each other.');
}

/** Whether two names are for the same, as on a disk where `A` is `a`, or through two shares. */
function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return identityOf(one) === identityOf(other);
}

/** Whether something takes the place of what is there in one step. Else what is there must be removed first. */
function replaces(found: BigIntStats, there: BigIntStats): boolean {
  return found.isFile() && there.isFile();
}

/** COPY. @throws Refusal; errors of Node */
export async function copy(exchange: Exchange): Promise<void> {
  const { shares, names } = exchange;
  const depth = depthOf(exchange, ['infinity', '0']);
  const destination = destinationOf(exchange);
  refuseNested(names, destination);
  await using from = await Place.find(shares, names);
  const { parent: directory, name } = from;
  const found = await from.entry();
  if (!found) throw new Refusal(404, 'There is no such file or folder.');
  const { to, there } = await openDestination(exchange, destination);
  await using _to = to;
  if (there && isSame(found, there)) throw new Refusal(403, 'The source and the destination are the same.');
  const work = workOf(exchange);
  if (there && !replaces(found, there)) await removeTree(work, to.parent, to.name);
  const ends = [
    { directory, name },
    { directory: to.parent, name: to.name },
  ] as const;
  await copyTree(work, ...ends, { flat: depth === '0' });
  answer(exchange, there ? 204 : 201);
}

/** MOVE: within a disk of the host at once, else a copy and a removal. @throws Refusal; errors of Node */
export async function move(exchange: Exchange): Promise<void> {
  const { shares, names, locks, tokens } = exchange;
  const destination = destinationOf(exchange);
  refuseNested(names, destination);
  await using from = await Place.find(shares, names);
  from.requireWritable();
  locks.requireFree(names, tokens, true);
  const { parent: directory, name } = from;
  const found = await from.entry();
  if (!found) throw new Refusal(404, 'There is no such file or folder.');
  refusePinned(shares, found);
  const { to, there } = await openDestination(exchange, destination);
  await using _to = to;
  const work = workOf(exchange);
  if (there && !replaces(found, there) && !isSame(found, there)) await removeTree(work, to.parent, to.name);
  try {
    await directory.move(name, to.parent, to.name);
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    const ends = [
      { directory, name },
      { directory: to.parent, name: to.name },
    ] as const;
    await copyTree(work, ...ends);
    await removeTree(work, directory, name);
  }
  locks.forget(names);
  answer(exchange, there ? 204 : 201);
}
