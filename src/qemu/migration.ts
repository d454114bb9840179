import { pause } from '../core/deadline.ts';
import { deferred } from '../core/deferred.ts';
import { KameError } from '../core/errors.ts';
import { receiveToFile, sendFile } from '../sys/state-pipe.ts';
import type { Engine } from './engine.ts';

/** The device state leaves and enters the engine as a migration stream (docs/devel/migration in QEMU). */

const endDeadlineMs = 600_000;
/** Interval for querying the engine when there are no events. */
const lookMs = 100;
/** Practically unlimited for a local socket. */
const bytesPerSecond = 2 ** 40;
/** How long the guest may be paused at the end, when RAM is sent while it is running. */
const downtimeMs = 60;
/** A guest that writes to RAM faster than it can be sent is paused after this time. */
const liveLimitMs = 30_000;

export interface SaveOptions {
  /** File to which the stream is written. */
  readonly file: string;
  /** Path for a socket in the run directory of the machine, through which the stream is sent. */
  readonly socket: string;
  /** Include RAM, while the guest is running. Otherwise RAM is in its own file, and the guest must be paused. */
  readonly withRam: boolean;
  readonly signal: AbortSignal;
  readonly onBytes?: (done: number) => void;
}

async function setUp(engine: Engine, ignoreShared: boolean): Promise<void> {
  await engine.qmp.execute('migrate-set-capabilities', {
    capabilities: [
      { capability: 'x-ignore-shared', state: ignoreShared },
      { capability: 'events', state: true },
    ],
  });
}

/** Calls `look` after every migration event, and at intervals, until it returns true. Returns false at the deadline. */
async function untilEnded(engine: Engine, look: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + endDeadlineMs;
  let news = deferred();
  using _events = engine.on('MIGRATION', () => news.resolve());
  while (performance.now() < end) {
    news = deferred();
    if (await look()) return true;
    await Promise.race([news.promise, pause(lookMs)]);
  }
  return false;
}

function failed(engine: Engine, what: string, reason: string | undefined): KameError {
  return new KameError(
    'ENGINE_FAILED',
    `The state of ${engine.name} could not be ${what}: ${reason ?? 'no reason given'}.`,
  );
}

/** Waits for the end of an outgoing migration. */
async function migrated(engine: Engine, options: SaveOptions): Promise<void> {
  const begun = performance.now();
  let [cancelled, stopped] = [false, !options.withRam];
  const end = await untilEnded(engine, async () => {
    const { status, 'error-desc': reason } = await engine.qmp.execute('query-migrate');
    if (status === 'completed') return true;
    if (status === 'failed') throw failed(engine, 'saved', reason);
    if (status === 'cancelled') {
      throw new KameError('CANCELLED', `Saving the state of ${engine.name} was cancelled.`);
    }
    if (options.signal.aborted && !cancelled) {
      cancelled = true;
      await engine.qmp.execute('migrate_cancel');
    }
    if (!stopped && performance.now() - begun > liveLimitMs) {
      stopped = true;
      await engine.qmp.execute('stop');
    }
    return false;
  });
  if (end) return;
  await engine.qmp.execute('migrate_cancel');
  throw new KameError(
    'ENGINE_TIMEOUT',
    `The state of ${engine.name} was not saved within ${endDeadlineMs / 1000} s.`,
  );
}

/** Disposing does not wait until the settings of the engine are restored. */
export interface StateSave extends Disposable {
  /**
   * Writes the state. The guest is paused when this returns; `cont` resumes it.
   * @returns bytes written
   * @throws KameError ENGINE_FAILED with the reason from QEMU (such as a device that cannot be saved), DISK_FULL,
   * CANCELLED, ENGINE_TIMEOUT
   */
  run(): Promise<number>;
}

/**
 * Prepares to write the device state of a machine to a file, once: everything that can be done before pausing the
 * guest.
 * @throws KameError ENGINE_*, FILE_ACCESS
 */
export async function prepareSave(engine: Engine, options: SaveOptions): Promise<StateSave> {
  const pipe = await receiveToFile(options.socket, options.file, options.onBytes);
  // If the file cannot be written, the stream breaks too; then report the error of the file, not that of the engine.
  let broken: unknown;
  pipe.received.catch((error: unknown) => (broken = error));
  const save: StateSave = {
    async run() {
      try {
        await engine.qmp.execute('migrate', { uri: `unix:${options.socket}` });
        await migrated(engine, options);
        return await pipe.received;
      } catch (error) {
        await pause(0);
        throw broken ?? error;
      }
    },
    [Symbol.dispose]() {
      setUp(engine, false).catch(() => undefined);
      pipe[Symbol.dispose]();
    },
  };
  try {
    await setUp(engine, !options.withRam);
    await engine.qmp.execute('migrate-set-parameters', {
      'max-bandwidth': bytesPerSecond,
      'downtime-limit': downtimeMs,
    });
    return save;
  } catch (error) {
    save[Symbol.dispose]();
    throw error;
  }
}

export interface LoadOptions {
  readonly file: string;
  readonly socket: string;
  /** Whether RAM is in the stream. */
  readonly withRam: boolean;
}

/**
 * Loads the device state into a machine that was started with `-incoming defer`. It is paused afterwards.
 * @throws KameError ENGINE_FAILED with the reason from QEMU when the state does not match, FILE_ACCESS, ENGINE_TIMEOUT
 */
export async function loadState(engine: Engine, options: LoadOptions): Promise<void> {
  await setUp(engine, !options.withRam);
  await engine.qmp.execute('migrate-incoming', { uri: `unix:${options.socket}` });
  await sendFile(options.file, options.socket, 5000);
  const end = await untilEnded(engine, async () => {
    const { status, 'error-desc': reason } = await engine.qmp.execute('query-migrate');
    if (status === 'failed') throw failed(engine, 'restored', reason);
    return status === 'completed';
  });
  if (!end)
    throw new KameError(
      'ENGINE_TIMEOUT',
      `The state of ${engine.name} was not restored within ${endDeadlineMs / 1000} s.`,
    );
  await setUp(engine, false);
}

/** Why the engine cannot save the machine at present, as worded by QEMU; empty if it can. */
export async function saveBlockers(engine: Engine): Promise<readonly string[]> {
  return (await engine.qmp.execute('query-migrate'))['blocked-reasons'] ?? [];
}
