import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { errorToBody } from '../api/error-body.ts';
import type { Operation } from '../api/operation.ts';
import { operations } from '../api/operations.ts';
import { apiVersion, versionHeader } from '../api/protocol.ts';
import { KameError } from '../core/errors.ts';
import type { Host } from '../vm/host/host.ts';
import type { DaemonFacts } from './handlers/handler.ts';
import { registerRoutes } from './routes.ts';
import type { TaskList } from './tasks.ts';
import { compileSerializer, compileValidator } from './validation.ts';

const maxBodyBytes = 4 * 1024 * 1024;

/** Paths that clients of any version may ask: to look at the daemon and stop it. */
const anyVersionPaths = new Set(
  Object.values<Operation>(operations)
    .filter(({ anyVersion }) => anyVersion)
    .map(({ path }) => `/${apiVersion}${path}`),
);

/** A client of another version would misread us: it must start its own daemon (see client/node). */
function checkVersion(http: FastifyInstance, version: string): void {
  http.addHook('onRequest', async (request, reply) => {
    const theirs = request.headers[versionHeader];
    if (theirs === undefined || theirs === version) return;
    if (anyVersionPaths.has(request.routeOptions.url ?? '')) return;
    const error = new KameError(
      'DAEMON_UNREACHABLE',
      `The daemon has version ${version}, the client ${String(theirs)}.`,
      {
        next: 'Run kame daemon stop; the next command starts the right one. Machines go on running.',
      },
    );
    await reply.status(426).send(errorToBody(error));
  });
}

/** The HTTP server with a route for each operation, not yet listening. */
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
  });
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
    const error = new KameError('USAGE', `There is no ${request.method} ${request.url}.`);
    void reply.status(404).send(errorToBody(error));
  });
  await server.register(
    (http, _options, done) => {
      registerRoutes({ http, host, tasks, daemon });
      done();
    },
    { prefix: `/${apiVersion}` },
  );
  return server;
}

/** What Fastify itself refuses (bad JSON, too large) is the client's fault, not ours. */
function clientFault(error: unknown): unknown {
  const status = (error as { statusCode?: unknown }).statusCode;
  if (error instanceof KameError || typeof status !== 'number' || status >= 500) return error;
  return new KameError('USAGE', (error as Error).message, { cause: error });
}
