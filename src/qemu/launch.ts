import { realpath } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { pause } from '../core/deadline.ts';
import { KameError } from '../core/errors.ts';
import { copySparse } from '../sys/copy-sparse.ts';
import { exists } from '../sys/files.ts';
import { identify, signalProcess, type ProcessIdentity } from '../sys/process-identity.ts';
import { spawnDetached, type DetachedProcess } from '../sys/process.ts';
import { connectUnix } from '../sys/socket.ts';
import { lastWords, logSize } from './engine-log.ts';
import { engineOf, Engine } from './engine.ts';
import { pidFileIn, socketsIn } from './plan/sockets.ts';
import type { LaunchPlan } from './plan/types.ts';
import { QmpClient, type OpenOptions } from './qmp/client.ts';
import { startFailure } from './start-failure.ts';

export { Engine, type EngineStatus } from './engine.ts';

export interface LaunchOptions {
  /** File to which the output of QEMU is appended. */
  readonly logFile: string;
  readonly signal?: AbortSignal;
  /** Milliseconds within which the monitor must respond. Default: 30,000. */
  readonly deadlineMs?: number;
}

export interface LaunchTimings {
  /** From the call until the process was running. */
  readonly spawnMs: number;
  /** From the call until the monitor responded. */
  readonly qmpMs: number;
}

export interface Launched {
  readonly engine: Engine;
  readonly timings: LaunchTimings;
}

type Words = () => string;

async function monitorOf(
  plan: LaunchPlan,
  child: DetachedProcess,
  options: LaunchOptions,
  words: Words,
): Promise<QmpClient> {
  const deadlineMs = options.deadlineMs ?? 30_000;
  const gone = new AbortController();
  void child.exited.then(() => gone.abort());
  const signal = options.signal ? AbortSignal.any([options.signal, gone.signal]) : gone.signal;
  const socket = await connectUnix(plan.sockets.qmp, { deadlineMs, stop: child.exited, signal });
  if (!socket) throw startFailure(plan.name, await child.exited, words());
  return await QmpClient.open(socket, { timeoutMs: deadlineMs, lastWords: words, signal });
}

/**
 * Checks by the pid file, which QEMU locks, that the monitor belongs to our process: another engine may use the path.
 */
async function checkOwner(plan: LaunchPlan, child: DetachedProcess): Promise<ProcessIdentity> {
  const owner = await engineOf(plan.pidFile);
  if (owner?.pid === child.pid) return owner;
  throw new KameError(
    'BUSY',
    `Another engine${owner ? ` (process ${owner.pid})` : ''} is already running ${plan.name}.`,
    {
      next: 'Check with `kame list`, and end it with `kame stop NAME --hard`.',
    },
  );
}

/** When a process ends, its monitor connection may break shortly before the end itself is reported. */
const endsWithinMs = 200;

/** The error to report: if the process has ended, its reason is better than the error of the monitor connection. */
async function failureOf(
  problem: unknown,
  plan: LaunchPlan,
  child: DetachedProcess,
  words: Words,
): Promise<unknown> {
  const end = await Promise.race([child.exited, pause(endsWithinMs)]);
  return end ? startFailure(plan.name, end, words()) : problem;
}

/** Creates the files that a plan needs and the machine does not have yet. @throws KameError DISK_FULL, FILE_ACCESS */
async function prepareFiles(plan: Pick<LaunchPlan, 'files'>): Promise<void> {
  for (const { from, to } of plan.files) {
    // A template of the firmware may be a link.
    if (!(await exists(to))) await copySparse(await realpath(from), to);
  }
}

/**
 * Starts a machine: creates the files it needs, starts QEMU in its own session, and waits until its monitor responds.
 * If that fails, the process is ended.
 * @throws KameError ENGINE_FAILED, BUSY, HOST_PROBLEM, BAD_IMAGE, … with the last output of QEMU and advice;
 * ENGINE_TIMEOUT, CANCELLED
 */
export async function launch(plan: LaunchPlan, options: LaunchOptions): Promise<Launched> {
  const started = performance.now();
  await prepareFiles(plan);
  const from = await logSize(options.logFile);
  const words: Words = () => lastWords(options.logFile, from);
  const child = await spawnDetached(plan.binary, plan.args, { logFile: options.logFile });
  const spawnMs = performance.now() - started;
  const born = await identify(child.pid);
  let qmp: QmpClient | undefined;
  try {
    qmp = await monitorOf(plan, child, options, words);
    const owner = await checkOwner(plan, child);
    const engine = new Engine(plan.name, qmp, owner, { exited: child.exited, lastWords: words });
    const qmpMs = performance.now() - started;
    const limits = options.signal ? { signal: options.signal } : {};
    for (const step of plan.setup) await qmp.execute(step.execute, step.arguments, limits);
    return { engine, timings: { spawnMs, qmpMs } };
  } catch (error) {
    const failure = options.signal?.aborted ? error : await failureOf(error, plan, child, words);
    await qmp?.[Symbol.asyncDispose]();
    if (born) await signalProcess(born, 'SIGKILL');
    await child.exited;
    throw failure;
  }
}

export interface AttachOptions {
  /** Milliseconds to wait for the greeting of the monitor. Default: 10,000. */
  readonly deadlineMs?: number;
  /** Milliseconds that the monitor may take to listen. Default: 1000, for an engine that has only just started. */
  readonly listenMs?: number;
  /** Name of the machine for messages. */
  readonly name?: string;
  /** File with the output of QEMU, for error messages. */
  readonly logFile?: string;
  readonly signal?: AbortSignal;
}

async function openOptions(options: AttachOptions): Promise<OpenOptions> {
  const { logFile } = options;
  const from = logFile === undefined ? 0 : await logSize(logFile);
  return {
    timeoutMs: options.deadlineMs ?? 10_000,
    ...(logFile === undefined ? {} : { lastWords: () => lastWords(logFile, from) }),
    ...(options.signal ? { signal: options.signal } : {}),
  };
}

/**
 * Attaches to an engine that an earlier process started, by the sockets and the pid file in its run directory.
 * @returns null when the engine is not running
 * @throws KameError ENGINE_TIMEOUT when it is running but does not respond, HOST_PROBLEM, CANCELLED
 */
export async function attach(runDirectory: string, options: AttachOptions = {}): Promise<Engine | null> {
  const identity = await engineOf(pidFileIn(runDirectory));
  if (!identity) return null;
  const { qmp } = socketsIn(runDirectory, process.platform === 'darwin' ? 'darwin' : 'linux');
  const socket = await connectOrNull(qmp, options.listenMs ?? defaultListenMs, options.signal);
  // Nothing listens: the pid file is old, and another program has the pid now; or the engine is stuck.
  if (!socket) return null;
  const limits = await openOptions(options);
  const client = await QmpClient.open(socket, limits);
  const { lastWords: words = () => '' } = limits;
  return new Engine(options.name ?? 'the machine', client, identity, { lastWords: words });
}

/** Milliseconds to wait for the monitor of an engine that was only just started by a process that then died. */
const defaultListenMs = 1000;

async function connectOrNull(
  path: string,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket | null> {
  try {
    return (await connectUnix(path, { deadlineMs, ...(signal ? { signal } : {}) })) ?? null;
  } catch (error) {
    if (error instanceof KameError && error.code === 'ENGINE_TIMEOUT') return null;
    throw error;
  }
}
