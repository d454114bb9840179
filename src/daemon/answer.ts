import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { KameError, messageOf } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import type { ErrorBody, TaskLine } from '../api/messages.ts';
import { ndjson, taskHeader } from '../api/paths.ts';
import type { TaskList } from './tasks.ts';

/** What a client is told of an error. Bugs keep their stack for the log. */
export function errorBody(error: unknown): ErrorBody {
  const known =
    error instanceof KameError ? error : new KameError('INTERNAL', messageOf(error), { cause: error });
  return { code: known.code, message: known.message, next: known.next, details: { ...known.details } };
}

/** Aborts when the client goes away before it has the whole answer. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

const taskId = z.uuid();

/** The id that the client has given the task. @throws KameError USAGE when it is no UUID */
function taskIdOf(request: FastifyRequest): string | null {
  const given = request.headers[taskHeader];
  if (given === undefined) return null;
  const id = taskId.safeParse(given);
  if (!id.success) throw new KameError('USAGE', `The header ${taskHeader} is no UUID.`);
  return id.data;
}

/**
 * Answers a long operation. A client that asks for NDJSON sees progress as it comes, and cancels by hanging up, or by the
 * task's id and hears how it ended; any other gets the result alone. An error before the first line has the HTTP status of its kind.
 */
export async function answerTask<S extends z.ZodType>(
  tasks: TaskList,
  context: { request: FastifyRequest; reply: FastifyReply; verb: string; machine: string | null; schema: S },
  work: (progress: Progress) => Promise<z.output<S>>,
): Promise<void> {
  const { request, reply, verb, machine, schema } = context;
  const streaming = request.headers.accept?.includes(ndjson) ?? false;
  let begun = false;
  const line = (value: TaskLine<z.output<S>>) => {
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
          if (streaming && !reply.raw.destroyed) line({ type: 'progress', progress: { ...progress } });
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
    line({ type: 'error', error: errorBody(error) });
    reply.raw.end();
  }
}
