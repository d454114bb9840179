import type { BigIntStats } from 'node:fs';
import { isOwnName } from './names.ts';
import { openShare, type Place } from './place.ts';
import { isHidden, type Shares } from './share.ts';

interface Visible {
  readonly name: string;
  readonly found: BigIntStats;
}

/** The shares whose folders are there. */
async function* presentShares(shares: Shares): AsyncGenerator<Visible> {
  for (const share of shares.list) {
    const directory = await openShare(shares, share).catch(() => undefined);
    if (!directory) continue;
    const found = await directory.stat();
    await directory[Symbol.asyncDispose]();
    yield { name: share.name, found };
  }
}

/** What a guest sees in a folder, or in the list of shares: files and folders. */
export async function* visibleNames(place: Place): AsyncGenerator<Visible> {
  if (!place.share) {
    yield* presentShares(place.shares);
    return;
  }
  await using directory = await place.open();
  for await (const name of directory.names()) {
    if (isOwnName(name)) continue;
    // It may be gone by now.
    const found = await directory.entry(name);
    if (found && !isHidden(place.shares, name, found)) yield { name, found };
  }
}
