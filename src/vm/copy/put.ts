import { randomBytes } from 'node:crypto';
import type { PutFiles } from '../../api/file-transfer.ts';
import { readArchive } from '../../archive/tar-read.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { silentProgress, type Progress } from '../../core/progress.ts';
import { untilAborted } from '../../core/until-aborted.ts';
import { badArchive, DiskWriter } from '../../guest/transfer/disk-writer.ts';
import { hasTransfer } from '../../qemu/live-transfer.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { abilitiesOf } from './agent-limits.ts';
import { putByAgent } from './agent-put.ts';
import { DiskFeed } from './disk-feed.ts';
import { requireCopy } from './guest-ready.ts';
import { runScript } from './script.ts';

export interface PutOptions extends Progress {
  /** A tar archive. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Told how many bytes of the archive the guest has. */
  readonly onRead: (bytes: number) => void;
}

/** What was copied. */
export interface PutEnd {
  readonly files: number;
  /** In the files. */
  readonly bytes: number;
}

/** Milliseconds that a guest has to remove what a copy has begun. */
const cleanMs = 30_000;

/** Fills disks with the archive. @returns what was copied, when the last disk is plugged in */
async function fill(feed: DiskFeed, options: PutOptions, marks: number[]): Promise<PutEnd> {
  const { archive, signal } = options;
  let taken = 0;
  const writer = new DiskWriter({
    create: async () => await feed.create(),
    plug: async (disk, last) => {
      marks.push(taken);
      await feed.plug(disk, last, signal);
    },
    refuse: badArchive,
  });
  try {
    const items = readArchive(untilAborted(archive, signal), {
      refuse: badArchive,
      onRead: (bytes) => void (taken = bytes),
    });
    for await (const item of items) await writer.add(item);
    await writer.end();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  const { files, bytes } = writer;
  return { files, bytes };
}

/**
 * Removes what a program that was ended has left in the guest. A guest that does not answer keeps it.
 * @returns whether it is known that nothing is left
 */
async function clean(host: Host, machine: Running, args: readonly string[]): Promise<boolean> {
  try {
    await runScript(machine, 'put', ['clean', ...args], { ...silentProgress(), timeoutMs: cleanMs });
    return true;
  } catch (error) {
    host.log('A guest kept a part of a copy', { machine: machine.name, reason: messageOf(error) });
    return false;
  }
}

/** What a copy that has failed is reported as. @param kept the directory that may still be in the guest */
function failureOf(error: unknown, wasCancelled: boolean, kept: string | undefined): unknown {
  const next = `Remove the directory ${kept} of the guest: it is in the destination or beside it, unless the guest removed it.`;
  if (wasCancelled)
    return kept === undefined
      ? new KameError('CANCELLED', 'The copy was cancelled. What was not in its place yet was removed.', {
          cause: error,
        })
      : new KameError('CANCELLED', 'The copy was cancelled. A part of it may be in the guest.', {
          cause: error,
          next,
        });
  if (kept === undefined || !(error instanceof KameError)) return error;
  return new KameError(error.code, error.message, { cause: error, details: error.details, next });
}

/** Runs both ends of a copy until they are done, or one of them has failed. */
async function copy(host: Host, machine: Running, request: PutFiles, options: PutOptions): Promise<PutEnd> {
  await using feed = new DiskFeed(host, machine, randomBytes(4).toString('hex'));
  const args = [feed.token, request.path, request.directory ? 'yes' : 'no'];
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const marks: number[] = [];
  const onLine = (line: string) => {
    const number = Number(/^read (\d{1,7})$/.exec(line)?.[1]);
    if (Number.isNaN(number)) return;
    feed.markRead(number);
    options.onRead(marks[number] ?? 0);
  };
  let started = false;
  const run = async () => {
    started = true;
    await runScript(machine, 'put', ['run', ...args], { signal, report: options.report, onLine });
  };
  const filling = fill(feed, { ...options, signal }, marks);
  // It begins with the first disk: until then, the guest would look for it.
  const running = Promise.race([feed.begun, filling]).then(run);
  try {
    const [end] = await Promise.all([filling, running]);
    options.onRead(marks.at(-1) ?? 0);
    return end;
  } catch (error) {
    over.abort(error);
    await Promise.allSettled([filling, running]);
    const kept = started && !(await clean(host, machine, args)) ? `.kame-copy-${feed.token}` : undefined;
    throw failureOf(error, options.signal.aborted, kept);
  }
}

/**
 * Copies a tar archive into the guest of a running machine, where nothing of it is seen before all of it is there. Nothing
 * else is done with the machine meanwhile: what carries the files must not be in a saved state.
 * @throws KameError WRONG_STATE, GUEST_AGENT_MISSING, GUEST_FAILED, INVALID_VALUE, CANCELLED, ENGINE_*, DISK_FULL
 */
export async function putFiles(
  host: Host,
  reference: string,
  request: PutFiles,
  options: PutOptions,
): Promise<PutEnd> {
  const { signal, report } = options;
  return await hold(host, reference, { verb: 'copy', needs: 'running' }, async ({ bundle, machine }) => {
    await requireCopy(bundle, machine, { signal, report });
    // A machine that was restored from a state of an older version has no controller for the disks.
    const abilities = await abilitiesOf(machine, { signal, report });
    return abilities.runsScripts && (await hasTransfer(machine.engine))
      ? await copy(host, machine, request, options)
      : await putByAgent(machine, abilities, request, options);
  });
}
