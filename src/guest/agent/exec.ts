import { randomBytes } from 'node:crypto';
import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import type { AgentConnection } from './connection.ts';
import {
  drain,
  forget,
  noPlace,
  openOutputs,
  outputPlaces,
  removeFiles,
  type OutputFile,
} from './exec-output.ts';
import { callOptions, follow, spawn } from './guest-process.ts';
import { bytesOf } from './reply.ts';
import type { CallOptions } from './wait.ts';

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
  readonly signal?: AbortSignal;
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
  options: ExecOptions,
): Promise<ExecResult> {
  let files: OutputFile[] = [];
  try {
    // The status is queried before the files are read, so that the last output of the program is read too.
    const { exitCode, signal } = await follow(connection, pid, options, async (now) => {
      if (files.length === 0) files = (await openOutputs(connection, name, options)) ?? [];
      if (now.exited && files.length === 0) throw noPlace(now.exitCode);
      let bytes = await drain(connection, files);
      const news = bytes > 0 ? 'again' : 'later';
      while (now.exited && bytes > 0) bytes = await drain(connection, files);
      return news;
    });
    return { exitCode, signal, streamed: true, truncated: false };
  } finally {
    // The files must be removed even if the caller is cancelled now; the result does not wait for the rest.
    const helper = await removeFiles(connection, name).catch(() => undefined);
    if (helper !== undefined) void forget(connection, helper, files).catch(() => undefined);
  }
}

/** Runs a command without a shell in the guest: all output arrives at the end, at most 16 MiB from each stream. */
async function capture(
  connection: AgentConnection,
  options: ExecOptions,
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
  const pid = await spawn(connection, args, spawnOptions(options));
  const { exitCode, signal, reply } = await follow(connection, pid, options, async () => 'later');
  const [out, err] = [
    bytesOf(reply, 'out-data', command, captureCap),
    bytesOf(reply, 'err-data', command, captureCap),
  ];
  if (out.length > 0) await options.onStdout?.(out);
  if (err.length > 0) await options.onStderr?.(err);
  const truncated = reply['out-truncated'] === true || reply['err-truncated'] === true;
  return { exitCode, signal, streamed: false, truncated };
}

function spawnOptions({ signal }: ExecOptions): CallOptions {
  return signal ? { ...callOptions, signal } : callOptions;
}

/**
 * Runs a command in the guest. Output is delivered to the callbacks while it is running, in order within each stream. A
 * command that exceeds its timeout or is cancelled is killed together with its children.
 * @throws KameError GUEST_TIMEOUT, CANCELLED, GUEST_AGENT_MISSING, GUEST_FAILED, INVALID_VALUE
 */
export async function exec(
  connection: AgentConnection,
  options: ExecOptions,
  canStream: boolean,
): Promise<ExecResult> {
  const pairs = checkOptions(options);
  if (!canStream) return capture(connection, options, pairs);
  const name = `kame-exec-${randomBytes(16).toString('hex')}`;
  const words = [
    outputPlaces.join(' '),
    name,
    String(pairs.length),
    ...pairs,
    options.path,
    ...(options.args ?? []),
  ];
  const args = {
    path: '/bin/sh',
    arg: ['-c', assetText('guest/agent/exec.sh'), 'kame', ...words],
    ...inputOf(options),
  };
  let pid: number;
  try {
    pid = await spawn(connection, args, spawnOptions(options));
  } catch (error) {
    // The agent rejects the call if the guest has no shell, as in Windows.
    if (error instanceof KameError && error.code === 'GUEST_FAILED')
      return capture(connection, options, pairs);
    throw error;
  }
  return stream(connection, pid, name, options);
}
