import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { KameError } from '../core/errors.ts';
import type { ProgressReport } from '../core/progress.ts';
import { kameHome, socketPath } from '../sys/home.ts';
import { ndjson, paths } from '../api/paths.ts';
import type { TaskLine } from '../api/messages.ts';
import type { DaemonProgram } from './ensure-daemon.ts';
import { errorFromBody } from './errors.ts';
import { readJsonLines } from './ndjson.ts';
import { NotListening, chunksOf, failureOf, jsonOf, send, type Call } from './transport.ts';

/** What a call takes beside its arguments. Aborting cancels the operation. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface TaskOptions extends CallOptions {
  readonly onProgress?: ((report: ProgressReport) => void) | undefined;
}

export interface ClientOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** With it, a daemon is started when none answers, and one of another version is replaced. */
  readonly daemon?: DaemonProgram;
}

/** Milliseconds until an ordinary request must be answered. */
export const ordinaryTimeoutMs = 30_000;
const stopDeadlineMs = 15_000;

/** How requests reach the daemon, and how its answers are read. The methods for each route stand on it. */
export class Connection {
  readonly home: string;
  readonly socket: string;
  readonly #daemon: DaemonProgram | undefined;
  #starting: Promise<void> | undefined;

  /** @throws KameError HOST_PROBLEM when the home's path is too long for a socket */
  constructor(options: ClientOptions) {
    this.home = kameHome(options.env);
    this.socket = socketPath(this.home);
    this.#daemon = options.daemon;
  }

  /** Like `answer`, with a limit on how long the daemon may think. */
  json<T>(call: Call): Promise<T> {
    return this.answer<T>({ ...call, timeoutMs: ordinaryTimeoutMs });
  }

  /** The JSON of an answer. */
  async answer<T>(call: Call): Promise<T> {
    return (await jsonOf(await this.send(call), call.signal)) as T;
  }

  /** The result of a long operation, by POST. */
  task<T>(path: string, body: unknown, options?: TaskOptions): Promise<T> {
    return this.longCall<T>({ method: 'POST', path, body }, options);
  }

  /**
   * The result of a long operation, with its progress. When the signal aborts, the daemon is asked to cancel it, and what
   * comes of that is waited for: when this ends, everything is as it was before, or done.
   */
  async longCall<T>(call: Call, { signal, onProgress }: TaskOptions = {}): Promise<T> {
    const task = randomUUID();
    const hangUp = new AbortController();
    let begun = false;
    const cancel = () => {
      onProgress?.({ stage: 'Cancelling' });
      // What the daemon does not know of yet is cancelled by hanging up; what has begun tells its end itself.
      const unknown = (found: boolean) => !found && !begun;
      void this.#cancelTask(task).then(
        (found) => unknown(found) && hangUp.abort(),
        () => hangUp.abort(),
      );
    };
    if (signal?.aborted) hangUp.abort();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const answer = await this.send({ ...call, accept: ndjson, task, signal: hangUp.signal });
      begun = true;
      const report = (progress: ProgressReport) => {
        if (!signal?.aborted) onProgress?.(progress);
      };
      return await resultOf<T>(answer, { signal: hangUp.signal, onProgress: report });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #cancelTask(id: string): Promise<boolean> {
    const call: Call = { method: 'DELETE', path: paths.task(id), timeoutMs: ordinaryTimeoutMs };
    return ((await jsonOf(await this.#once(call))) as { found: boolean }).found;
  }

  /** Sends a call; a missing daemon is started and one of another version replaced, once. */
  async send(call: Call): Promise<IncomingMessage> {
    try {
      return await this.#once(call);
    } catch (error) {
      if (!(error instanceof NotListening) && !(error instanceof OtherVersion)) throw error;
      if (this.#daemon === undefined) throw unreachable(error, this.home);
      if (error instanceof OtherVersion) await this.stopDaemon();
      const { startDaemon } = await import('./ensure-daemon.ts');
      // Calls at once start one daemon.
      this.#starting ??= startDaemon(this.home, this.socket, this.#daemon);
      await this.#starting.finally(() => (this.#starting = undefined));
    }
    try {
      return await this.#once(call);
    } catch (error) {
      throw error instanceof NotListening || error instanceof OtherVersion
        ? unreachable(error, this.home)
        : error;
    }
  }

  /** The JSON of an answer of the daemon that runs; undefined when none does. Starts none. */
  async ask<T>(call: Call): Promise<T | undefined> {
    try {
      const answer = await this.#once({ ...call, timeoutMs: ordinaryTimeoutMs });
      return (await jsonOf(answer, call.signal)) as T;
    } catch (error) {
      if (error instanceof OtherVersion) throw unreachable(error, this.home);
      if (error instanceof NotListening) return undefined;
      throw error;
    }
  }

  /**
   * Ends the daemon and waits until it listens no more. Machines go on running.
   * @returns false when none listened
   */
  async stopDaemon(options: CallOptions = {}): Promise<boolean> {
    try {
      const call: Call = { method: 'POST', path: paths.daemonStop, body: {}, timeoutMs: ordinaryTimeoutMs };
      const answer = await send(this.socket, { ...call, ...options });
      if ((answer.statusCode ?? 500) >= 400) throw await failureOf(answer);
      answer.resume();
    } catch (error) {
      if (error instanceof NotListening) return false;
      throw error;
    }
    const { waitUntilGone } = await import('./wait-until-gone.ts');
    if (!(await waitUntilGone(this.socket, stopDeadlineMs))) {
      throw new KameError('DAEMON_UNREACHABLE', `The daemon did not end within ${stopDeadlineMs / 1000} s.`);
    }
    return true;
  }

  async #once(call: Call): Promise<IncomingMessage> {
    const answer = await send(this.socket, call);
    const status = answer.statusCode ?? 500;
    if (status === 426) throw new OtherVersion((await failureOf(answer)).message);
    if (status >= 400) throw await failureOf(answer);
    return answer;
  }
}

/** The daemon that answers is of another version than this client. */
class OtherVersion extends Error {}

function unreachable(error: Error, home: string): KameError {
  return error instanceof OtherVersion
    ? new KameError('DAEMON_UNREACHABLE', error.message, { next: '`kame daemon stop`, then try again.' })
    : new KameError('DAEMON_UNREACHABLE', `No daemon listens in ${home}.`, {
        next: '`kame daemon start` starts it.',
        cause: error,
      });
}

/** The result of a long operation: of NDJSON its last line, of anything else the whole. */
async function resultOf<T>(answer: IncomingMessage, options: TaskOptions): Promise<T> {
  if (!(answer.headers['content-type'] ?? '').startsWith(ndjson))
    return (await jsonOf(answer, options.signal)) as T;
  for await (const value of readJsonLines(chunksOf(answer, options.signal))) {
    const line = value as TaskLine<T>;
    if (line.type === 'result') return line.result;
    if (line.type === 'error') throw errorFromBody(line.error);
    options.onProgress?.(asReport(line.progress));
  }
  throw new KameError('DAEMON_UNREACHABLE', 'The daemon ended while it worked on this.', {
    next: 'Running machines are not hurt. `kame list` shows how things stand; kamed.log may say why.',
  });
}

type WireReport = (TaskLine<unknown> & { type: 'progress' })['progress'];

function asReport({ stage, done, total, unit }: WireReport): ProgressReport {
  return {
    stage,
    ...(done === undefined ? {} : { done }),
    ...(total === undefined ? {} : { total }),
    ...(unit === undefined ? {} : { unit }),
  };
}
