import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { errorToBody } from '../api/error-body.ts';
import type { TaskLine } from '../api/messages.ts';
import { ndjson, taskHeader } from '../api/protocol.ts';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import type { TaskList } from './tasks.ts';

/** Unread lines that are kept for a client, in bytes. */
const maxUnreadBytes = 1024 * 1024;

/** Aborts if the client disconnects before the reply is complete. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

const taskId = z.uuid();

/** The id that the client gave the task. @throws KameError USAGE if it is not a UUID */
function taskIdOf(request: FastifyRequest): string | null {
  const given = request.headers[taskHeader];
  if (given === undefined) return null;
  const id = taskId.safeParse(given);
  if (!id.success) throw new KameError('USAGE', `The header ${taskHeader} is not a UUID.`);
  return id.data;
}

export interface TaskContext {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly verb: string;
  readonly machine: string | null;
  /** The schema of the result. */
  readonly schema: z.ZodType;
}

/**
 * Runs a task and sends its result. A client that accepts NDJSON also receives progress. It cancels the task by closing the
 * connection, or by the task's id, and then receives the outcome. An error before the first line has the HTTP status of its
 * kind.
 */
export async function answerTask(
  tasks: TaskList,
  context: TaskContext,
  work: (progress: Progress) => Promise<unknown>,
): Promise<void> {
  const { request, reply, verb, machine, schema } = context;
  const streaming = request.headers.accept?.includes(ndjson) ?? false;
  let begun = false;
  const line = (value: TaskLine<unknown>) => {
    if (!begun) {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': ndjson, 'cache-control': 'no-store' });
      begun = true;
    }
    reply.raw.write(`${JSON.stringify(value)}\n`);
  };
  try {
    const result = await tasks.run(
      { id: taskIdOf(request), verb, machine },
      {
        signal: clientSignal(reply),
        onProgress: (progress) => {
          // Progress is only worth something to a client that reads it.
          if (!streaming || reply.raw.destroyed || reply.raw.writableLength > maxUnreadBytes) return;
          line({ type: 'progress', progress: { ...progress } });
        },
      },
      work,
    );
    const clean = schema.parse(result);
    if (!streaming) await reply.send(clean);
    else {
      line({ type: 'result', result: clean });
      reply.raw.end();
    }
  } catch (error) {
    if (!begun) throw error;
    request.log.warn({ err: error }, `${verb} failed`);
    line({ type: 'error', error: errorToBody(error) });
    reply.raw.end();
  }
}

/**
 * Sends NDJSON until the client disconnects. A client that reads too slowly is disconnected, so that unread lines do not use
 * up memory.
 * @param begin starts sending lines, until its result is disposed
 */
export function answerLines(reply: FastifyReply, begin: (emit: (line: unknown) => void) => Disposable): void {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': ndjson, 'cache-control': 'no-store' });
  reply.raw.flushHeaders();
  const sending = begin((line) => {
    reply.raw.write(`${JSON.stringify(line)}\n`);
    if (reply.raw.writableLength > maxUnreadBytes) reply.raw.destroy();
  });
  reply.raw.once('close', () => sending[Symbol.dispose]());
}
