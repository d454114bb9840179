import { deferred } from '../core/deferred.ts';
import { pause } from '../core/deadline.ts';
import { KameError } from '../core/errors.ts';
import { receiveToFile, sendFile } from '../sys/state-pipe.ts';
import type { Engine } from './engine.ts';

/** The device state of a machine goes out of and into the engine as a migration stream (QEMU's docs/devel/migration). */

const endDeadlineMs = 600_000;
/** Without news the engine is asked this often. */
const lookMs = 100;
/** No limit that a local socket would meet. */
const bytesPerSecond = 2 ** 40;
/** How long the guest may stand still at the end, when RAM goes through the stream while it runs. */
const downtimeMs = 60;
/** A guest that writes RAM faster than it is sent is stopped after that long. */
const liveLimitMs = 30_000;

export interface SaveOptions {
  /** Where the stream goes. */
  readonly file: string;
  /** Path of a socket in the machine's run directory, for the way there. */
  readonly socket: string;
  /** RAM goes with it, while the guest runs; otherwise RAM lies in a file of its own, and the guest must be stopped. */
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

/** Looks whenever the engine tells of a change, and now and then. False at the deadline. */
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
    `The state of ${engine.name} could not be ${what}: ${reason ?? 'no reason told'}.`,
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

/** Disposing takes no time: nobody waits for what is put back. */
export interface StateSave extends Disposable {
  /**
   * Writes the state. The guest stands still when this returns; `cont` lets it go on.
   * @returns bytes written
   * @throws KameError ENGINE_FAILED with QEMU's reason (such as a device that can't be saved), DISK_FULL, CANCELLED, ENGINE_TIMEOUT
   */
  run(): Promise<number>;
}

/**
 * Makes ready to write a machine's device state to a file, once: what need not happen while the guest stands still.
 * @throws KameError ENGINE_*, FILE_ACCESS
 */
export async function prepareSave(engine: Engine, options: SaveOptions): Promise<StateSave> {
  const pipe = await receiveToFile(options.socket, options.file, options.onBytes);
  // A file that can't be written breaks the stream; then its reason counts, not that of the engine.
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
 * Gives a machine that was started with `-incoming defer` its device state. It stands still afterwards.
 * @throws KameError ENGINE_FAILED with QEMU's reason when the state does not fit, FILE_ACCESS, ENGINE_TIMEOUT
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
  if (!end) throw new KameError('ENGINE_TIMEOUT', `The state of ${engine.name} was not restored in time.`);
  await setUp(engine, false);
}

/** Why the engine can't save this machine now, in QEMU's words; empty when it can. */
export async function saveBlockers(engine: Engine): Promise<readonly string[]> {
  return (await engine.qmp.execute('query-migrate'))['blocked-reasons'] ?? [];
}
