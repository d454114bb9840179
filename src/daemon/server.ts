import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { errorToBody } from '../api/error-body.ts';
import type { Operation } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { apiVersion, versionHeader } from '../api/protocol.ts';
import { KameError, messageOf } from '../core/errors.ts';
import { checkJson } from '../core/json.ts';
import { Activity } from '../vm/activity/activity.ts';
import type { Host } from '../vm/host/host.ts';
import type { DaemonFacts } from './handlers/handler.ts';
import { refuseMalformed } from './web/refuse.ts';
import { registerRoutes } from './routes.ts';
import type { TaskList } from './tasks.ts';
import { compileSerializer, compileValidator } from './validation.ts';

const maxBodyBytes = 4 * 1024 * 1024;

/** Paths open to clients of any version, to show the daemon's status and to stop it. */
const anyVersionPaths = new Set(
  Object.values<Operation>(operations)
    .filter(({ anyVersion }) => anyVersion)
    .map(({ path }) => `/${apiVersion}${path}`),
);

/** A client of another version might misread replies: it must start its own daemon (see client/node). */
function checkVersion(http: FastifyInstance, version: string): void {
  http.addHook('onRequest', async (request, reply) => {
    const theirs = request.headers[versionHeader];
    if (theirs === undefined || theirs === version) return;
    if (anyVersionPaths.has(request.routeOptions.url ?? '')) return;
    const error = new KameError(
      'DAEMON_UNREACHABLE',
      `The daemon has version ${version}, but the client has version ${String(theirs)}.`,
      {
        next: 'Run kame daemon stop. The next command starts the right version, and machines keep running.',
      },
    );
    await reply.status(426).send(errorToBody(error));
  });
}

function refuseByRouter(error: FastifyError, reply: FastifyReply): void {
  const { statusCode = 400, message } = error;
  void reply.status(statusCode).send(errorToBody(new KameError('USAGE', message, { cause: error })));
}

/** The header `Expect` with anything but `100-continue`. */
function refuseExpectation({ headers }: IncomingMessage, response: ServerResponse): void {
  const error = new KameError(
    'USAGE',
    `The daemon cannot do what the request expects: ${headers.expect ?? ''}`,
  );
  const body = JSON.stringify(errorToBody(error));
  const head = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  };
  response.writeHead(417, { ...head, connection: 'close' }).end(body);
}

/** Parses JSON only if it is not nested too deeply; Fastify's own parser then refuses `__proto__`. */
function parseBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    try {
      checkJson(String(body));
    } catch (error) {
      done(
        new KameError('USAGE', `The body of the request is not acceptable: ${messageOf(error)}.`, {
          cause: error,
        }),
      );
      return;
    }
    void parse(request, String(body), done);
  });
}

/** Creates the HTTP server with a route for each operation. It is not listening yet. */
export async function buildServer(
  host: Host,
  tasks: TaskList,
  daemon: DaemonFacts,
  logger: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const server = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4096 },
    clientErrorHandler: refuseMalformed,
    // Errors of the router, before any hook: a malformed URL, or a part of it that is too long.
    frameworkErrors: (error, _request, reply) => refuseByRouter(error, reply as unknown as FastifyReply),
  });
  server.server.on('checkExpectation', refuseExpectation);
  parseBodies(server);
  server.setValidatorCompiler(compileValidator);
  server.setSerializerCompiler(compileSerializer);
  checkVersion(server, daemon.version);
  server.setErrorHandler((thrown, request, reply) => {
    const error = clientFault(thrown);
    const known = error instanceof KameError;
    if (!known || error.code === 'INTERNAL')
      request.log.error({ err: thrown }, `${request.method} ${request.url}`);
    else request.log.info({ code: error.code }, `${request.method} ${request.url}: ${error.message}`);
    void reply.status(known ? error.kind.http : 500).send(errorToBody(error));
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new KameError('USAGE', `The API has no ${request.method} ${request.url}.`);
    void reply.status(404).send(errorToBody(error));
  });
  await server.register(
    (http, _options, done) => {
      const activity = new Activity(host);
      http.addHook('onClose', () => activity[Symbol.dispose]());
      registerRoutes({ http, host, tasks, daemon, activity });
      done();
    },
    { prefix: `/${apiVersion}` },
  );
  return server;
}

/** Requests that Fastify itself refuses (bad JSON, too large) are the client's errors. */
function clientFault(error: unknown): unknown {
  const status = (error as { statusCode?: unknown }).statusCode;
  if (error instanceof KameError || typeof status !== 'number' || status >= 500) return error;
  return new KameError('USAGE', (error as Error).message, { cause: error });
}
