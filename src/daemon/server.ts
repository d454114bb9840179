import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { KameError } from '../core/errors.ts';
import { apiVersion, paths, versionHeader } from '../api/paths.ts';
import type { Host } from '../vm/host/host.ts';
import { errorBody } from './answer.ts';
import type { DaemonFacts, Http } from './app.ts';
import { autoProtectRoutes } from './routes/autoprotect.ts';
import { checkpointRoutes, snapshotRoutes } from './routes/checkpoints.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { diskRoutes, diskWorkRoutes } from './routes/disks.ts';
import { imageRoutes } from './routes/images.ts';
import { inventoryRoutes, powerRoutes } from './routes/machines.ts';
import { streamRoutes } from './routes/streams.ts';
import type { TaskList } from './tasks.ts';

const maxBodyBytes = 4 * 1024 * 1024;

/** What a request got wrong, as one sentence that names the field. */
function validationError(error: { validation?: { instancePath?: string; message?: string }[] }): KameError {
  const parts = (error.validation ?? []).map(({ instancePath = '', message = 'is wrong' }) => {
    const field = instancePath.replace(/^\//, '').replaceAll('/', '.');
    return field === '' ? message : `${field}: ${message}`;
  });
  return new KameError('USAGE', `The request is not of the form that is asked for: ${parts.join('; ')}.`);
}

/** A client of another version would misread us: it must start its own daemon (see client/). */
function checkVersion(http: Http, version: string): void {
  http.addHook('onRequest', async (request, reply) => {
    const theirs = request.headers[versionHeader];
    // Any version may look at the daemon and stop it.
    const about = request.url.startsWith(paths.daemon);
    if (theirs === undefined || theirs === version || about) return;
    const error = new KameError(
      'DAEMON_UNREACHABLE',
      `The daemon has version ${version}, the client ${String(theirs)}.`,
      {
        next: 'Run kame daemon stop; the next command starts the right one. Machines go on running.',
      },
    );
    await reply.status(426).send(errorBody(error));
  });
}

/** The HTTP server with all routes, not yet listening. */
export async function buildServer(
  host: Host,
  tasks: TaskList,
  daemon: DaemonFacts,
  logger: FastifyBaseLogger,
): Promise<Http> {
  const server = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 4096 },
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  checkVersion(server, daemon.version);
  server.setErrorHandler((thrown, request, reply) => {
    const error = hasZodFastifySchemaValidationErrors(thrown) ? validationError(thrown) : clientFault(thrown);
    const known = error instanceof KameError;
    if (!known || error.code === 'INTERNAL')
      request.log.error({ err: thrown }, `${request.method} ${request.url}`);
    else request.log.info({ code: error.code }, `${request.method} ${request.url}: ${error.message}`);
    void reply.status(known ? error.kind.http : 500).send(errorBody(error));
  });
  server.setNotFoundHandler((request, reply) => {
    const error = new KameError('USAGE', `There is no ${request.method} ${request.url}.`);
    void reply.status(404).send(errorBody(error));
  });
  await server.register(
    (http, _options, done) => {
      const app = { http, host, tasks, daemon };
      daemonRoutes(app);
      inventoryRoutes(app);
      powerRoutes(app);
      snapshotRoutes(app);
      checkpointRoutes(app);
      diskRoutes(app);
      diskWorkRoutes(app);
      autoProtectRoutes(app);
      imageRoutes(app);
      streamRoutes(app);
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
