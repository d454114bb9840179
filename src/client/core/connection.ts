import { routes } from '../../api/generated/routes.ts';
import type { TaskLine } from '../../api/messages.ts';
import { ndjson, taskHeader, versionHeader } from '../../api/protocol.ts';
import { pathOf, type Route } from '../../api/route.ts';
import { KameError } from '../../core/errors.ts';
import type { ProgressReport } from '../../core/progress.ts';
import { version } from '../../core/version.ts';
import { formatDuration } from '../../core/units.ts';
import { brokenOff, cancelled, failureOf, jsonOf, chunksOf } from './answer.ts';
import { errorFromBody } from './errors.ts';
import { readJsonLines } from './ndjson.ts';
import type { CallOptions, TaskOptions } from './options.ts';
import type { Answer, Channel, Transport } from './transport.ts';

/** The parts of a request besides its route. */
export interface RequestParts {
  readonly params?: Readonly<Record<string, string>>;
  /** Undefined fields are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

interface SendOptions extends CallOptions {
  readonly accept?: string;
  /** A UUID to cancel the operation with. */
  readonly task?: string;
  readonly passive?: boolean;
}

/** The time limit of an ordinary request, in milliseconds. */
const ordinaryTimeoutMs = 30_000;

function queryOf(query: RequestParts['query'] = {}): string {
  const fields = Object.entries(query).filter(([, value]) => value !== undefined);
  if (fields.length === 0) return '';
  return `?${fields.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&')}`;
}

/** Sends requests and reads replies over any transport. */
export class Connection {
  readonly #transport: Transport;
  readonly #closing = new AbortController();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Closes all open connections. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * Sends a request and resolves when the head of a successful reply has arrived. Only slow operations have no time limit.
   * @throws KameError the error that the daemon reports; DAEMON_UNREACHABLE, HOST_PROBLEM, CANCELLED
   */
  async send(route: Route, request: RequestParts, options: SendOptions = {}): Promise<Answer> {
    const { accept = 'application/json', task, passive = false } = options;
    const late = new AbortController();
    const limited = !route.slow && (route.kind === 'json' || route.kind === 'bytes');
    const timer = limited ? setTimeout(() => late.abort(), ordinaryTimeoutMs) : undefined;
    const signals = [this.#closing.signal, late.signal, ...(options.signal ? [options.signal] : [])];
    const body = route.takes === 'body' || request.body !== undefined ? (request.body ?? {}) : undefined;
    try {
      const answer = await this.#transport.send({
        method: route.method,
        path: `${pathOf(route, request.params)}${queryOf(request.query)}`,
        headers: {
          [versionHeader]: version,
          accept,
          ...(task === undefined ? {} : { [taskHeader]: task }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any(signals),
        passive,
      });
      if (answer.status >= 400) throw await failureOf(answer);
      return answer;
    } catch (error) {
      if (late.signal.aborted) throw unanswered(error);
      if (options.signal?.aborted || this.#closing.signal.aborted) throw cancelled(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async json(route: Route, request: RequestParts, options: SendOptions = {}): Promise<unknown> {
    return await jsonOf(await this.send(route, request, options), options.signal);
  }

  /**
   * Runs a task and reports its progress. When the signal aborts, the daemon is asked to cancel the task, and this waits for
   * the outcome: afterwards the task is either undone or done.
   */
  async task(route: Route, request: RequestParts, options: TaskOptions = {}): Promise<unknown> {
    const { signal, onProgress } = options;
    const task = globalThis.crypto.randomUUID();
    const hangUp = new AbortController();
    let begun = false;
    const cancel = () => {
      onProgress?.({ stage: 'Cancelling' });
      // A task that the daemon does not know yet is cancelled by closing the connection. One that has begun reports its end.
      const unknown = (found: boolean) => !found && !begun;
      void this.#cancelTask(task).then(
        (found) => unknown(found) && hangUp.abort(),
        () => hangUp.abort(),
      );
    };
    if (signal?.aborted) hangUp.abort();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const answer = await this.send(route, request, { accept: ndjson, task, signal: hangUp.signal });
      begun = true;
      const report = (progress: ProgressReport) => {
        if (!signal?.aborted) onProgress?.(progress);
      };
      return await resultOf(answer, { signal: hangUp.signal, onProgress: report });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async #cancelTask(task: string): Promise<boolean> {
    const answer = await this.json(routes['tasks.cancel'], { params: { task } }, { passive: true });
    return (answer as { found: boolean }).found;
  }

  /** Opens a WebSocket, which closes when the signal fires. */
  async open(route: Route, request: RequestParts, { signal }: CallOptions = {}): Promise<Channel> {
    const path = pathOf(route, request.params);
    const signals = [this.#closing.signal, ...(signal ? [signal] : [])];
    return await this.#transport.open(path, AbortSignal.any(signals));
  }
}

function unanswered(cause: unknown): KameError {
  const text = `The daemon did not answer within ${formatDuration(ordinaryTimeoutMs)}.`;
  return new KameError('DAEMON_UNREACHABLE', text, { cause });
}

/** The result of a task: the last line of NDJSON, or else the whole reply. */
async function resultOf(answer: Answer, options: TaskOptions): Promise<unknown> {
  if (!answer.contentType.startsWith(ndjson)) return await jsonOf(answer, options.signal);
  for await (const value of readJsonLines(chunksOf(answer, options.signal))) {
    const line = value as TaskLine<unknown>;
    if (line.type === 'result') return line.result;
    if (line.type === 'error') throw errorFromBody(line.error);
    options.onProgress?.(asReport(line.progress));
  }
  throw brokenOff();
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
