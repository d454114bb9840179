import { pause } from '../core/deadline.ts';
import { deferred } from '../core/deferred.ts';
import { KameError } from '../core/errors.ts';
import { receiveToFile, sendFile } from '../sys/state-pipe.ts';
import type { Engine } from './engine.ts';

/** The device state leaves and enters the engine as a migration stream (docs/devel/migration in QEMU). */

const endDeadlineMs = 600_000;
/** Milliseconds that an engine has to answer to a cancellation, which somebody waits for. */
const cancelMs = 2000;
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

async function setUp(engine: Engine, ignoreShared: boolean, signal?: AbortSignal): Promise<void> {
  const capabilities = [
    { capability: 'x-ignore-shared' as const, state: ignoreShared },
    { capability: 'events' as const, state: true },
  ];
  await engine.qmp.execute('migrate-set-capabilities', { capabilities }, signal ? { signal } : {});
}

/**
 * Calls `look` after every migration event, and at intervals, until it returns true or an event tells of completion. Returns
 * false at the deadline.
 */
async function untilEnded(engine: Engine, look: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + endDeadlineMs;
  let news = deferred();
  let completed = false;
  using _events = engine.on('MIGRATION', ({ status }) => {
    completed ||= status === 'completed';
    news.resolve();
  });
  while (performance.now() < end) {
    news = deferred();
    // A guest that is paused for it does not wait for one more round trip.
    if (completed || (await look())) return true;
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

/** Cancels an outgoing migration, and waits until it has ended. @throws KameError CANCELLED */
async function cancelSave(engine: Engine): Promise<never> {
  const limits = { timeoutMs: cancelMs };
  try {
    await engine.qmp.execute('migrate_cancel', {}, limits);
    await untilEnded(engine, async () => {
      const { status = 'none' } = await engine.qmp.execute('query-migrate', {}, limits);
      return !['setup', 'active', 'device', 'cancelling'].includes(status);
    });
  } catch (error) {
    // An engine that does not answer is told now, and obeys when it can.
    if (!(error instanceof KameError) || error.code !== 'ENGINE_TIMEOUT') throw error;
  }
  throw new KameError('CANCELLED', `Saving the state of ${engine.name} was cancelled.`);
}

/** Waits for the end of an outgoing migration. @param cancel called when the signal has fired */
async function migrated(engine: Engine, options: SaveOptions, cancel: () => Promise<never>): Promise<void> {
  const { signal } = options;
  const begun = performance.now();
  let stopped = !options.withRam;
  const look = async () => {
    const { status, 'error-desc': reason } = await engine.qmp.execute('query-migrate', {}, { signal });
    if (status === 'completed') return true;
    if (status === 'failed') throw failed(engine, 'saved', reason);
    if (status === 'cancelled') {
      throw new KameError('CANCELLED', `Saving the state of ${engine.name} was cancelled.`);
    }
    if (signal.aborted) await cancel();
    if (!stopped && performance.now() - begun > liveLimitMs) {
      stopped = true;
      await engine.qmp.execute('stop');
    }
    return false;
  };
  if (await untilEnded(engine, look)) return;
  await engine.qmp.execute('migrate_cancel');
  throw new KameError(
    'ENGINE_TIMEOUT',
    `The state of ${engine.name} was not saved within ${endDeadlineMs / 1000} s.`,
  );
}

async function saveState(engine: Engine, options: SaveOptions): Promise<void> {
  const { signal, socket } = options;
  let asked = false;
  const cancel = async () => {
    asked = true;
    return await cancelSave(engine);
  };
  try {
    await engine.qmp.execute('migrate', { uri: `unix:${socket}` }, { signal });
    await migrated(engine, options, cancel);
  } catch (error) {
    // The signal also ends the wait for a reply, and then the migration goes on.
    if (signal.aborted && !asked) await cancel();
    throw error;
  }
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
        await saveState(engine, options);
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
    const { signal } = options;
    await setUp(engine, !options.withRam, signal);
    const parameters = { 'max-bandwidth': bytesPerSecond, 'downtime-limit': downtimeMs };
    await engine.qmp.execute('migrate-set-parameters', parameters, { signal });
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
  /**
   * Whether the guest, once it goes on, tells its networks where its addresses are now, which QEMU has it do several times. A clone
   * would tell that its source's are here.
   */
  readonly announces: boolean;
  readonly signal: AbortSignal;
}

/**
 * Loads the device state into a machine that was started with `-incoming defer`. It is paused afterwards.
 * @throws KameError ENGINE_FAILED with the reason from QEMU when the state does not match, FILE_ACCESS, ENGINE_TIMEOUT,
 * CANCELLED
 */
export async function loadState(engine: Engine, options: LoadOptions): Promise<void> {
  const { signal } = options;
  await setUp(engine, !options.withRam, signal);
  if (!options.announces)
    await engine.qmp.execute('migrate-set-parameters', { 'announce-rounds': 0 }, { signal });
  await engine.qmp.execute('migrate-incoming', { uri: `unix:${options.socket}` }, { signal });
  await sendFile(options.file, options.socket, { deadlineMs: 5000, signal });
  const end = await untilEnded(engine, async () => {
    const { status, 'error-desc': reason } = await engine.qmp.execute('query-migrate', {}, { signal });
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
