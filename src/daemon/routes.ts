import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { Operation } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { ndjson } from '../api/protocol.ts';
import type { Progress } from '../core/progress.ts';
import { principalOf, type Principal } from './access/principal.ts';
import { answerLines, answerTask, clientSignal } from './answer.ts';
import type { App } from './app.ts';
import { authorize } from './authorize.ts';
import type { Channel, Services } from './handlers/handler.ts';
import { handlers } from './handlers/table.ts';
import { record, recorded, recordRefusal, type Asked } from './recorded.ts';
import { hostFor } from './request-environment.ts';
import { serveWebSockets, type WebSocketRoute } from './websockets.ts';

interface AnyRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly signal: AbortSignal;
  readonly onAnswered: (run: () => void) => void;
}

/** Handlers by the kind of operation, without the types of a single operation. */
interface AnyHandler {
  readonly json: (services: Services, request: AnyRequest) => unknown;
  readonly task: (services: Services, request: AnyRequest, progress: Progress) => Promise<unknown>;
  readonly bytes: (services: Services, request: AnyRequest) => Promise<Uint8Array>;
  readonly text: (services: Services, request: AnyRequest) => Promise<Readable>;
  readonly lines: (services: Services, request: AnyRequest, emit: (line: unknown) => void) => Disposable;
  readonly websocket: (services: Services, request: AnyRequest, channel: Channel) => Promise<void>;
}

/** The table without types: in a loop over all operations, TypeScript cannot tell the kind of each handler. */
const untyped: Readonly<Record<string, unknown>> = handlers;

function requestOf(request: FastifyRequest, reply: FastifyReply): AnyRequest {
  const { params, query, body } = request;
  return {
    params,
    query,
    body,
    signal: clientSignal(reply),
    onAnswered: (run) => void reply.raw.once('finish', run),
  };
}

/** The machine that an operation works on, if any. */
function machineOf(
  operation: Operation,
  { params, body }: Pick<AnyRequest, 'params' | 'body'>,
): string | null {
  const inPath = (params as Partial<Record<string, unknown>> | undefined)?.['machine'];
  const subject = operation.kind === 'task' ? operation.subject : undefined;
  const inBody = subject && (body as Partial<Record<string, unknown>> | undefined)?.[subject];
  const machine = inPath ?? inBody;
  return typeof machine === 'string' ? machine : null;
}

async function answer(
  app: App,
  name: string,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const asked = requestOf(request, reply);
  const principal = principalOf(request.raw);
  const services: Services = { ...app, host: hostFor(app.host, request), principal };
  const machine = machineOf(operation, asked);
  const entry: Asked = { principal, name, operation, machine };
  const { audit } = app.daemon;
  if (operation.kind === 'task') {
    const { verb, result: schema } = operation;
    const context = { request, reply, verb, machine, schema };
    const perform = untyped[name] as AnyHandler['task'];
    return await answerTask(
      app.tasks,
      context,
      async (progress) => await recorded(audit, entry, async () => await perform(services, asked, progress)),
    );
  }
  if (operation.kind === 'bytes') {
    const bytes = await (untyped[name] as AnyHandler['bytes'])(services, asked);
    return await reply.type(operation.contentType).send(bytes);
  }
  if (operation.kind === 'stream' && operation.contentType === ndjson) {
    answerLines(reply, (emit) => (untyped[name] as AnyHandler['lines'])(services, asked, emit));
    return undefined;
  }
  if (operation.kind === 'stream') {
    const text = await (untyped[name] as AnyHandler['text'])(services, asked);
    return await reply.type(`${operation.contentType}; charset=utf-8`).send(text);
  }
  return await recorded(audit, entry, () => (untyped[name] as AnyHandler['json'])(services, asked));
}

/** Checks a request before anything of it is read but its head. @returns who sent it, and the parameters of its path */
async function permit(
  app: App,
  name: string,
  operation: Operation,
  raw: IncomingMessage,
  given: unknown,
): Promise<{ readonly principal: Principal; readonly params: Readonly<Record<string, string>> }> {
  const principal = principalOf(raw);
  const params = given as Readonly<Record<string, string>>;
  const entry: Asked = { principal, name, operation, machine: params['machine'] ?? null };
  const check = async () => await authorize(app.host, principal, operation, params);
  return { principal, params: await recordRefusal(app.daemon.audit, entry, check) };
}

/** A request without a body has all defaults; what is missing then is named like any other missing field. */
async function fillBody(request: FastifyRequest): Promise<void> {
  request.body ??= {};
}

function schemaOf(operation: Operation): FastifySchema {
  const { params, query, body } = operation;
  return {
    ...(params ? { params } : {}),
    ...(query ? { querystring: query } : {}),
    ...(body ? { body } : {}),
    ...(operation.kind === 'json' ? { response: { 200: operation.result } } : {}),
  };
}

function webSocketRoute(app: App, name: string, operation: Operation): WebSocketRoute {
  const { path, params, body } = operation;
  return {
    path,
    ...(params ? { params } : {}),
    ...(body ? { body } : {}),
    permit: async (raw, given) => await permit(app, name, operation, raw, given),
    serve: async ({ principal, ...request }, channel) => {
      const onAnswered = (run: () => void) => channel.onClosed(run);
      const perform = untyped[name] as AnyHandler['websocket'];
      const entry: Asked = { principal, name, operation, machine: machineOf(operation, request) };
      // When it ends is not worth an entry, and may be long after.
      record(app.daemon.audit, entry, 'ok');
      await recordRefusal(
        app.daemon.audit,
        entry,
        async () =>
          await perform({ ...app, principal }, { ...request, query: undefined, onAnswered }, channel),
      );
    },
  };
}

/** Registers a route for each operation of THE LIST. There are no other routes. */
export function registerRoutes(app: App): void {
  const webSockets: WebSocketRoute[] = [];
  for (const [name, operation] of Object.entries<Operation>(operations)) {
    if (operation.kind === 'websocket') {
      webSockets.push(webSocketRoute(app, name, operation));
      continue;
    }
    app.http.route({
      method: operation.method,
      url: operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      schema: schemaOf(operation),
      onRequest: async (request) => {
        const { params } = await permit(app, name, operation, request.raw, request.params);
        request.params = params;
      },
      ...(operation.body ? { preValidation: fillBody } : {}),
      handler: async (request, reply) => await answer(app, name, operation, request, reply),
    });
  }
  serveWebSockets(app, webSockets);
}
