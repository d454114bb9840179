import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { FastifyBaseLogger } from 'fastify';
import { deferred } from '../core/deferred.ts';
import { messageOf } from '../core/errors.ts';
import { silentProgress } from '../core/progress.ts';
import { version } from '../core/version.ts';
import { removeRamDirectory } from '../store/ram-place.ts';
import { CopyThreads } from '../sys/copy-threads.ts';
import { runInHelper } from '../sys/helper-process.ts';
import { kameHome, requireOwnHome, socketPath } from '../sys/home.ts';
import { InflateThreads } from '../sys/inflate-threads.ts';
import { listenAlone } from '../sys/single-instance.ts';
import { createHost, type Host } from '../vm/host/host.ts';
import { superviseNetworks } from '../vm/network/supervisor.ts';
import { startAfterReset } from '../vm/power/reset.ts';
import { adoptAll } from '../vm/recovery/adopt.ts';
import { startAdoptionRetry } from '../vm/recovery/adoption-retry.ts';
import { keepAgreements } from '../vm/recovery/agreements.ts';
import { startMaintenance } from '../vm/recovery/maintenance.ts';
import { recoveryTable } from '../vm/recovery/table.ts';
import { AuditLog } from './access/audit.ts';
import { Passwords } from './access/passwords.ts';
import { Users } from './access/users.ts';
import { buildServer } from './server.ts';
import { idleSeconds, stopWhenIdle } from './stop-when-idle.ts';
import { TaskList } from './tasks.ts';
import { Doors, insideOf } from './web-doors.ts';

export interface DaemonOptions {
  readonly home?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: FastifyBaseLogger;
  readonly helpers: Helpers;
}

/** Programs for heavy work outside the daemon's main thread, and the files of the web desktop. */
export interface Helpers {
  /** Builds the embedded image in a separate process. */
  readonly tinyBuilder: URL;
  /** Copies memory in worker threads. */
  readonly memoryCopier: URL;
  /** Decompresses the disks of appliances in worker threads. */
  readonly inflater: URL;
  /** The switch of a network, a process of its own. */
  readonly networkSwitch: URL;
  /** Makes a certificate in a separate process. */
  readonly certificateMaker: URL;
  /** The directory of the page. */
  readonly webFiles: URL;
}

/** A thread keeps up with half of a small machine; with more than four, memory is the limit. */
function copyThreadCount(): number {
  return Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)));
}

/** The main thread, which reads and checks what they decompress, does not keep up with more than eight. */
function inflateThreadCount(): number {
  return Math.min(8, availableParallelism());
}

/** Does work without which the daemon can still serve: a failure is logged. */
async function attempt(host: Host, what: string, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => host.log(`Could not ${what}`, { reason: messageOf(error) }));
}

/**
 * Runs the daemon until it is asked to stop or has been idle for long enough. Machines keep running after it ends, and the
 * next daemon adopts them.
 * @throws KameError BUSY if another daemon serves this home, FILE_ACCESS if it belongs to another user
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { env, logger, helpers } = options;
  const home = kameHome(options.home === undefined ? env : { KAME_HOME: options.home });
  const socket = socketPath(home);
  await mkdir(home, { recursive: true, mode: 0o700 });
  requireOwnHome(home);
  const host = createHost({
    home,
    env,
    log: (message, details) => logger.info(details ?? {}, message),
    buildTiny: async ({ progress, env: own, ...input }) =>
      await runInHelper(helpers.tinyBuilder, input, progress, own),
    startCopyThreads: async () => await CopyThreads.start(helpers.memoryCopier, copyThreadCount()),
    startInflater: async () => await InflateThreads.start(helpers.inflater, inflateThreadCount()),
    recovery: recoveryTable,
    makeNetworks: (incomplete) => superviseNetworks(incomplete, helpers.networkSwitch),
  });
  host.hooks.onReset = (machine, startedBy) => void startAfterReset(startedBy, machine);
  const tasks = new TaskList();
  const { promise: stopped, resolve: requestStop } = deferred();
  const audit = new AuditLog(host.names.audit, (error) =>
    logger.warn({ err: error }, 'The audit log is not complete'),
  );
  const users = new Users(host.names.webUsers, new Passwords());
  const web = new Doors({
    names: host.names,
    directory: fileURLToPath(helpers.webFiles),
    makeCertificate: async (names) => await runInHelper(helpers.certificateMaker, names, silentProgress()),
    inside: () => insideOf(http),
    ...{ users, audit },
  });
  const daemon = { version, socket, startedAt: new Date(), requestStop, web, users, audit };
  const http = await buildServer(host, tasks, daemon, logger);
  const isNeeded = () => tasks.size > 0 || web.isNeeded;
  using _idle = stopWhenIdle(http, host, isNeeded, idleSeconds(env), requestStop);
  using _maintenance = startMaintenance(host);
  await using adoptionRetry = startAdoptionRetry(host);
  await http.ready();
  const bound = await listenAlone(socket, async (path) => {
    // Before the first request, running machines are adopted and unfinished files are removed.
    await attempt(host, 'clean up the list of machines', async () => await host.inventory.collectGarbage());
    await attempt(host, 'clean up the images', async () => await host.images.collectGarbage());
    await attempt(host, 'clean up the uploads', async () => await host.uploads.collectGarbage());
    await attempt(host, 'keep what machines used before', async () => await keepAgreements(host));
    await attempt(host, 'adopt the machines', async () => await adoptAll(host));
    await http.listen({ path });
    await web.resume();
  });
  logger.info({ home, pid: process.pid, version }, 'kamed is listening');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, requestStop);
  await stopped;
  logger.info('kamed is stopping; machines keep running');
  tasks.cancelAll();
  await web[Symbol.asyncDispose]();
  await http.close();
  await audit.written();
  await bound[Symbol.asyncDispose]();
  // First, so that none is adopted after the others were let go.
  await adoptionRetry[Symbol.asyncDispose]();
  await host.networks.detach();
  await host.running.detachAll();
  await removeRamDirectory(host.names);
}
