import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import type { Operation } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { ndjson } from '../api/protocol.ts';
import type { Progress } from '../core/progress.ts';
import { answerLines, answerTask, clientSignal } from './answer.ts';
import type { App } from './app.ts';
import type { Channel, Services } from './handlers/handler.ts';
import { handlers } from './handlers/table.ts';
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

/** The machine that a task works on, if any. */
function machineOf(operation: Operation & { kind: 'task' }, { params, body }: AnyRequest): string | null {
  const inPath = (params as Partial<Record<string, unknown>> | undefined)?.['machine'];
  const inBody = operation.subject && (body as Partial<Record<string, unknown>>)[operation.subject];
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
  const services: Services = { ...app, host: hostFor(app.host, request) };
  if (operation.kind === 'task') {
    const { verb, result: schema } = operation;
    const context = { request, reply, verb, machine: machineOf(operation, asked), schema };
    const perform = untyped[name] as AnyHandler['task'];
    return await answerTask(app.tasks, context, async (progress) => await perform(services, asked, progress));
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
  return await (untyped[name] as AnyHandler['json'])(services, asked);
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
    serve: async (request, channel) => {
      const onAnswered = (run: () => void) => channel.onClosed(run);
      await (untyped[name] as AnyHandler['websocket'])(
        app,
        { ...request, query: undefined, onAnswered },
        channel,
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
      ...(operation.body ? { preValidation: fillBody } : {}),
      handler: async (request, reply) => await answer(app, name, operation, request, reply),
    });
  }
  serveWebSockets(app, webSockets);
}
