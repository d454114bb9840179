import { rm, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import type { Machine, MachineDetails } from '../../src/api/machine.ts';
import type { ErrorCode } from '../../src/core/error-kinds.ts';
import { KameError, messageOf } from '../../src/core/errors.ts';
import type { ByHand } from './by-hand.ts';
import { chainOf, diskHash } from './disk-content.ts';
import { readContent } from './guest-content.ts';
import type { Random } from './random.ts';
import { refuseOther, type Subject } from './subject.ts';
import { Violation } from './violation.ts';

async function mustBeRefused(work: Promise<unknown>, code: ErrorCode, what: string): Promise<void> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KameError && error.code === code) return;
  const text = error === undefined ? 'was done' : `failed with ${messageOf(error)}`;
  throw new Violation('copy', `${what} ${text}; right is ${code}`);
}

/** The row of a copy in the list, where the original must be as well, and nothing else but clones that may be there. */
async function rowOf(
  copy: string,
  original: MachineDetails,
  subject: Subject,
  clones: readonly string[] = [],
): Promise<Machine | undefined> {
  const machines = (await subject.client.machines.list()).filter(({ name }) => !clones.includes(name));
  const texts = machines.map(({ name, path }) => `${name} (${path})`).join(', ');
  const row = machines.find(({ path }) => dirname(path) === copy);
  if (!machines.some(({ name, path }) => name === subject.name && path === original.path))
    throw new Violation('copy', `the original has not kept its name beside ${copy}: ${texts}`);
  if (machines.length !== (row ? 2 : 1)) throw new Violation('listed', `beside a copy there are ${texts}`);
  return row;
}

/** A copy that was said to be one shares nothing with the original, and shows the same. */
async function judgeOwn(
  own: MachineDetails,
  original: MachineDetails,
  subject: Subject,
  random: Random,
): Promise<void> {
  const directory = dirname(own.path);
  const macs = new Set(original.nics.map(({ mac }) => mac));
  if (own.id === original.id || own.nics.some(({ mac }) => macs.has(mac)))
    throw new Violation('copy', `${own.name} has the UUID or a MAC address of the original`);
  const chain = await chainOf(own.disks[0]!.path);
  const foreign = chain.files.find(({ path }) => !path.startsWith(directory + sep));
  if (foreign) throw new Violation('copy', `${own.name} reads ${foreign.path}, which is not its own`);
  if ((await diskHash(chain)) !== (await diskHash(await chainOf(original.disks[0]!.path))))
    throw new Violation('copy', `the disk of ${own.name} is not that of the original`);
  const labels = (await subject.client.snapshots.list(own.path)).map(({ label }) => label).toSorted();
  if (labels.join() !== [...subject.snapshots.keys()].toSorted().join())
    throw new Violation('copy', `${own.name} has the snapshots ${labels.join(', ')}`);
  if (random.chance(0.7)) return;
  await subject.client.machines.start(own.path, {});
  refuseOther(await readContent(subject.client, own.path), { ...subject.content, memory: null }, own.name);
  await subject.client.machines.stop(own.path, { hard: true });
}

/**
 * A copy of a machine that is stopped or suspended, and was when it was copied: whose it is must be asked, and then it is a
 * machine of its own.
 */
export async function judgeCopy(copy: string, subject: Subject, random: Random): Promise<void> {
  const { machines } = subject.client;
  const original = await subject.details();
  const row = await rowOf(copy, original, subject);
  if (row)
    await mustBeRefused(machines.start(row.path, {}), 'MOVED_OR_COPIED', `a start of the copy ${copy}`);
  else await mustBeRefused(machines.register({ path: copy }), 'MOVED_OR_COPIED', `registering ${copy}`);
  if (random.chance(0.3)) return;
  const asCopy = { path: copy, movedOrCopied: 'copied' } as const;
  if (original.state === 'suspended')
    await mustBeRefused(machines.register(asCopy), 'WRONG_STATE', `registering the suspended copy ${copy}`);
  else await judgeOwn(await machines.register(asCopy), original, subject, random);
}

/** Deletes a copy, whatever it is: nothing of it may be left, and the original stays. */
export async function deleteCopy(
  copy: string,
  hand: ByHand,
  subject: Subject,
  clones: readonly string[],
): Promise<void> {
  const row = await rowOf(copy, await subject.details(), subject, clones);
  // One that Kame does not know is deleted as it was made.
  if (row) await subject.client.machines.delete(row.path);
  else await rm(copy, { recursive: true });
  if (await stat(copy).catch(() => undefined))
    throw new Violation('copy', `${copy} was deleted and is there`);
  await hand.leave(copy);
}
