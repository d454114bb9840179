import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { KameError, errnoOf, messageOf } from '../core/errors.ts';
import { formatDuration } from '../core/units.ts';
import { openLogSync } from './own-file.ts';

export interface RunOptions {
  /** Milliseconds after which the command gets SIGTERM and, a second later, SIGKILL. Default: 60,000. */
  timeoutMs?: number;
  signal?: AbortSignal;
  input?: string;
  env?: Record<string, string>;
  /** Maximum bytes of output on each stream; more is an error. Default: 64 MiB. */
  maxBuffer?: number;
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a short command to completion. A non-zero exit code is a result, not an exception.
 * @throws KameError ENGINE_MISSING when the program is not installed, HOST_PROBLEM, CANCELLED, ENGINE_TIMEOUT
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const maxBuffer = options.maxBuffer ?? 64 * 1024 * 1024;
  // Loaded on first use, so that commands that run no program start faster.
  const { execa } = await import('execa');
  const result = await execa(command, [...args], {
    reject: false,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    ...(options.input === undefined ? {} : { input: options.input }),
    timeout: options.timeoutMs ?? 60_000,
    forceKillAfterDelay: 1000,
    maxBuffer,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.env ? { env: options.env } : {}),
  });
  if (result.isCanceled) throw new KameError('CANCELLED', `${command} was cancelled.`);
  if (result.timedOut) {
    throw new KameError(
      'ENGINE_TIMEOUT',
      `${command} did not finish within ${formatDuration(options.timeoutMs ?? 60_000)}.`,
    );
  }
  if (result.isMaxBuffer) {
    throw new KameError('HOST_PROBLEM', `The output of ${command} exceeds ${maxBuffer} bytes.`);
  }
  if (result.exitCode === undefined && result.signal === undefined) {
    const missing = errnoOf(result.cause) === 'ENOENT' || result.code === 'ENOENT';
    throw new KameError(
      missing ? 'ENGINE_MISSING' : 'HOST_PROBLEM',
      missing
        ? `The program ${command} is not installed.`
        : `${command} could not be run: ${messageOf(result.cause)}`,
      { cause: result.cause },
    );
  }
  return {
    exitCode: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
  };
}

/** The error for a program that could not be started: it is not installed, or the host does not permit it. */
export function startError(command: string, error: unknown): KameError {
  const missing = errnoOf(error) === 'ENOENT';
  const why = missing
    ? `The program ${command} is not installed.`
    : `${command} could not be started: ${messageOf(error)}`;
  return new KameError(missing ? 'ENGINE_MISSING' : 'HOST_PROBLEM', why, { cause: error });
}

export interface DetachedProcess {
  readonly pid: number;
  /** Resolves when the process ends, if this program is still running then. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
}

/**
 * Starts a program in its own session, so that it outlives this one and its terminal. Its output is appended to a
 * file, or goes nowhere without one.
 * @throws KameError ENGINE_MISSING, HOST_PROBLEM
 */
export async function spawnDetached(
  command: string,
  args: readonly string[],
  options: { logFile?: string; cwd?: string; env?: NodeJS.ProcessEnv },
): Promise<DetachedProcess> {
  const log = options.logFile === undefined ? 'ignore' : openLogSync(options.logFile);
  try {
    const child = spawn(command, [...args], {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: options.cwd ?? '/',
      ...(options.env ? { env: options.env } : {}),
    });
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return { pid: child.pid as number, exited };
  } catch (error) {
    throw startError(command, error);
  } finally {
    if (log !== 'ignore') closeSync(log);
  }
}
