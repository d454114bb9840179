import { randomBytes } from 'node:crypto';
import { settledWithin, type Deadline } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import {
  drain,
  drainRest,
  forget,
  noPlace,
  openOutputs,
  outputPlaces,
  removeFiles,
  type OutputFile,
} from './exec-output.ts';
import { callMs, follow, lateError, spawn, type ProcessLimits } from './guest-process.ts';
import { bytesOf } from './reply.ts';

export interface ExecOptions {
  /** Program in the guest: a path, or a name in the PATH of the agent. */
  readonly path: string;
  readonly args?: readonly string[];
  /** Added to the environment of the agent. */
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input of the program; at most 8 MiB. */
  readonly input?: Uint8Array | string;
  readonly onStdout?: (chunk: Buffer) => void | Promise<void>;
  readonly onStderr?: (chunk: Buffer) => void | Promise<void>;
  /** Milliseconds after which the program is killed. By default, there is no limit. */
  readonly timeoutMs?: number;
  /** Of the whole operation, if that began before the program. Default: `timeoutMs` from now. */
  readonly deadline?: Deadline;
  readonly signal?: AbortSignal;
  /** Told when the agent does not answer for 2 s. */
  readonly report?: Progress['report'];
}

export interface ExecResult {
  /** Exit code, or null if a signal ended the program. */
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** False if the guest has no shell or the agent cannot read files: then all output arrived at the end. */
  readonly streamed: boolean;
  /** The guest agent kept only part of the output (16 MiB). Never true if streamed. */
  readonly truncated: boolean;
}

const inputCap = 8 * 1024 * 1024;
/** The limit of the agent for captured output (GUEST_EXEC_MAX_OUTPUT). */
const captureCap = 16 * 1024 * 1024;
/** A reply with output: the agent encodes all of it in base64. */
const captureReplyBytes = 24 * 1024 * 1024;
/** Milliseconds to wait until the removal of the output has begun; it continues after that. */
const removalWaitMs = 1000;

function checkOptions(options: ExecOptions): string[] {
  const pairs = Object.entries(options.env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/u.test(name)) {
      throw new KameError('INVALID_VALUE', `"${name}" is not a valid name for an environment variable.`);
    }
    return `${name}=${value}`;
  });
  for (const text of [options.path, ...(options.args ?? []), ...pairs]) {
    if (text.includes('\0'))
      throw new KameError('INVALID_VALUE', 'A command cannot contain a NUL character.');
  }
  if (options.path === '') throw new KameError('INVALID_VALUE', 'The command is empty.');
  if (options.input !== undefined && options.input.length > inputCap) {
    throw new KameError(
      'INVALID_VALUE',
      `The input is ${options.input.length} bytes long; the limit is ${inputCap} bytes.`,
    );
  }
  return pairs;
}

function inputOf(options: ExecOptions): { 'input-data'?: string } {
  return options.input === undefined ? {} : { 'input-data': Buffer.from(options.input).toString('base64') };
}

async function stream(
  connection: AgentConnection,
  pid: number,
  name: string,
  options: ExecOptions & ProcessLimits,
): Promise<ExecResult> {
  const { deadline } = options;
  let files: OutputFile[] = [];
  try {
    // The status is queried before the files are read, so that the last output of the program is read too.
    const { exitCode, signal } = await follow(connection, pid, options, async (now) => {
      if (files.length === 0) files = (await openOutputs(connection, name, options, deadline)) ?? [];
      if (now.exited && files.length === 0) throw noPlace(now.exitCode);
      if (now.exited) await drainRest(connection, files, deadline);
      else if ((await drain(connection, files, deadline)) > 0) return 'again';
      return 'later';
    });
    await settledWithin(cleanUp(connection, name, files), removalWaitMs);
    return { exitCode, signal, streamed: true, truncated: false };
  } catch (error) {
    // The files must be removed even if the caller is cancelled now, or the guest is silent: nobody waits for that.
    void cleanUp(connection, name, files);
    throw error;
  }
}

/** Removes the files with the output. Resolves when the guest has begun to; the rest follows by itself. */
async function cleanUp(
  connection: AgentConnection,
  name: string,
  files: readonly OutputFile[],
): Promise<void> {
  try {
    const helper = await removeFiles(connection, name);
    forget(connection, helper, files).catch(() => undefined);
  } catch {
    // A guest that does not respond keeps them.
  }
}

/** Runs a command without a shell in the guest: all output arrives at the end, at most 16 MiB from each stream. */
async function capture(
  connection: AgentConnection,
  options: ExecOptions & ProcessLimits,
  pairs: string[],
): Promise<ExecResult> {
  const command = 'guest-exec-status';
  const args = {
    path: options.path,
    arg: options.args ?? [],
    ...(pairs.length === 0 ? {} : { env: pairs }),
    ...inputOf(options),
    'capture-output': true,
  };
  const pid = await spawn(connection, args, options.deadline.step(callMs));
  const limits = { ...options, maxBytes: captureReplyBytes };
  const { exitCode, signal, reply } = await follow(connection, pid, limits, async () => 'later');
  const [out, err] = [
    bytesOf(reply, 'out-data', command, captureCap),
    bytesOf(reply, 'err-data', command, captureCap),
  ];
  if (out.length > 0) await options.onStdout?.(out);
  if (err.length > 0) await options.onStderr?.(err);
  const truncated = reply['out-truncated'] === true || reply['err-truncated'] === true;
  return { exitCode, signal, streamed: false, truncated };
}

/** The words for exec.sh. */
function wordsOf(name: string, options: ExecOptions, pairs: readonly string[]): string[] {
  const command = [options.path, ...(options.args ?? [])];
  return [outputPlaces.join(' '), name, String(pairs.length), ...pairs, ...command];
}

/** Starts a command with exec.sh; undefined if the agent rejects it because the guest has no shell, as in Windows. */
async function spawnInShell(
  connection: AgentConnection,
  words: readonly string[],
  options: ExecOptions & ProcessLimits,
): Promise<number | undefined> {
  const arg = ['-c', assetText('guest/agent/exec.sh'), 'kame', ...words];
  try {
    const args = { path: '/bin/sh', arg, ...inputOf(options) };
    return await spawn(connection, args, options.deadline.step(callMs));
  } catch (error) {
    if (error instanceof KameError && error.code === 'GUEST_FAILED') return undefined;
    throw error;
  }
}

/**
 * Runs a command in the guest. Output is delivered to the callbacks while it is running, in order within each stream. A
 * command that exceeds its timeout or is cancelled is killed together with its children.
 * @param canStream whether the agent can read the files with the output
 * @param deadline of everything, including the calls to a guest that does not respond
 * @throws KameError GUEST_TIMEOUT, CANCELLED, GUEST_AGENT_MISSING, GUEST_FAILED, INVALID_VALUE
 */
export async function exec(
  connection: AgentConnection,
  options: ExecOptions,
  deadline: Deadline,
  canStream: () => Promise<boolean>,
): Promise<ExecResult> {
  const pairs = checkOptions(options);
  const limited = { ...options, deadline };
  try {
    if (!(await canStream())) return await capture(connection, limited, pairs);
    const name = `kame-exec-${randomBytes(16).toString('hex')}`;
    const pid = await spawnInShell(connection, wordsOf(name, options, pairs), limited);
    if (pid === undefined) return await capture(connection, limited, pairs);
    return await stream(connection, pid, name, limited);
  } catch (error) {
    throw lateError(error, limited);
  }
}
