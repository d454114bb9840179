import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../core/error-kinds.ts';
import { KameError, messageOf } from '../core/errors.ts';
import type { Progress, ProgressReport } from '../core/progress.ts';

/** A KameError as plain data: its class does not survive the copy between processes. */
interface CopiedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly details: KameError['details'];
}

type HelperMessage =
  | { readonly type: 'progress'; readonly report: ProgressReport }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly error: CopiedError };

type OrderMessage = { readonly type: 'work'; readonly input: unknown } | { readonly type: 'cancel' };

/**
 * Does heavy work in a separate process, so that its memory is released when it ends. `input` and the result must be
 * plain data. When the work is cancelled or this process dies, the work can still clean up.
 * @param file a module that calls serveWork
 * @param env the environment of the process; by default that of this one
 * @throws KameError for every error that the work throws
 */
export async function runInHelper<T>(
  file: URL,
  input: unknown,
  progress: Progress,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<T> {
  const helper = fork(fileURLToPath(file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env });
  const send = (message: OrderMessage) => {
    if (helper.connected) helper.send(message);
  };
  const cancel = () => send({ type: 'cancel' });
  progress.signal.addEventListener('abort', cancel);
  try {
    return await new Promise<T>((resolve, reject) => {
      helper.on('message', (message: HelperMessage) => {
        if (message.type === 'progress') progress.report(message.report);
        else if (message.type === 'result') resolve(message.result as T);
        else reject(new KameError(message.error.code, message.error.message, message.error));
      });
      helper.once('error', reject);
      helper.once('exit', (code, signal) => {
        reject(
          new KameError(
            'HOST_PROBLEM',
            `A helper process of Kame ended unexpectedly (${signal ?? `exit code ${code}`}).`,
          ),
        );
      });
      send({ type: 'work', input });
      if (progress.signal.aborted) cancel();
    });
  } finally {
    progress.signal.removeEventListener('abort', cancel);
    if (helper.connected) helper.disconnect();
  }
}

/** The helper's side of runInHelper: does the work that this process was started for. */
export function serveWork(work: (input: unknown, progress: Progress) => Promise<unknown>): void {
  const controller = new AbortController();
  const send = (message: HelperMessage) => {
    if (process.connected) process.send?.(message);
  };
  const progress: Progress = {
    signal: controller.signal,
    report: (report) => send({ type: 'progress', report: { ...report } }),
  };
  const perform = async (input: unknown) => {
    try {
      send({ type: 'result', result: await work(input, progress) });
    } catch (error) {
      const known = error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error));
      const { code, message, next, details } = known;
      send({ type: 'error', error: { code, message, next, details } });
    }
  };
  process.on('disconnect', () => controller.abort());
  process.on('message', (message: OrderMessage) => {
    if (message.type === 'work') void perform(message.input);
    else controller.abort();
  });
}
