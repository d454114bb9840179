import { randomBytes } from 'node:crypto';
import { pause } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk } from './files.ts';
import { bytesOf, integerOf, objectOf } from './reply.ts';
import { cancelled, type CallOptions } from './wait.ts';

export interface ExecOptions {
  /** Program in the guest: a path, or a name that its PATH finds. */
  readonly path: string;
  readonly args?: readonly string[];
  /** Added to the agent's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the program reads from its standard input; at most 8 MiB. */
  readonly input?: Uint8Array | string;
  readonly onStdout?: (chunk: Buffer) => void | Promise<void>;
  readonly onStderr?: (chunk: Buffer) => void | Promise<void>;
  /** Milliseconds until the program is killed. Without it, it may run for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ExecResult {
  /** Exit status, or null when a signal ended the program. */
  readonly exitCode: number | null;
  readonly signal: number | null;
  /** False when the guest has no shell or no file calls: then all output came at the end. */
  readonly streamed: boolean;
  /** The guest agent kept only a part of the output (16 MiB); never when streamed. */
  readonly truncated: boolean;
}

interface Status {
  readonly exited: boolean;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly reply: Readonly<Record<string, unknown>>;
}

const inputCap = 8 * 1024 * 1024;
/** The agent's own limit of captured output (GUEST_EXEC_MAX_OUTPUT). */
const captureCap = 16 * 1024 * 1024;
const firstPauseMs = 4;
const longestPauseMs = 250;
/** A loaded guest may take its time; the whole command has its own timeout. */
const callOptions: CallOptions = { deadlineMs: 30_000 };
/** Killing is for guests that may be beyond help. */
const killOptions: CallOptions = { deadlineMs: 5000 };
const killGraceMs = 3000;

/** Where the output may lie in the guest, in order: a disk first, so that much output does not fill its memory. */
const bases = ['/tmp', '/var/tmp', '/dev/shm', '/run'] as const;

/**
 * The agent returns output only after the end, so a shell puts it in files that are read as they grow. Arguments: name
 * of the directory, number of NAME=VALUE pairs, the pairs, the command. `exec` keeps the process id and the exit
 * status; `setsid` makes a process group, so that a kill takes the children too.
 */
const wrapper = `umask 077
kame_n=$1; kame_d=; kame_c=$2; shift 2
for kame_b in ${bases.join(' ')}; do
  if mkdir "$kame_b/$kame_n" 2>/dev/null; then kame_d=$kame_b/$kame_n; break; fi
done
[ -n "$kame_d" ] || exit 125
: >"$kame_d/o" && : >"$kame_d/e" && : >"$kame_d/r" || exit 125
while [ "$kame_c" -gt 0 ]; do export "$1"; shift; kame_c=$((kame_c - 1)); done
if command -v setsid >/dev/null 2>&1; then exec setsid "$@" >"$kame_d/o" 2>"$kame_d/e"; fi
exec "$@" >"$kame_d/o" 2>"$kame_d/e"`;

function checkOptions(options: ExecOptions): string[] {
  const pairs = Object.entries(options.env ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/u.test(name)) {
      throw new KameError('INVALID_VALUE', `"${name}" is not a name of an environment variable.`);
    }
    return `${name}=${value}`;
  });
  for (const text of [options.path, ...(options.args ?? []), ...pairs]) {
    if (text.includes('\0')) throw new KameError('INVALID_VALUE', 'A command can hold no NUL character.');
  }
  if (options.path === '') throw new KameError('INVALID_VALUE', 'The command is empty.');
  if (options.input !== undefined && options.input.length > inputCap) {
    throw new KameError(
      'INVALID_VALUE',
      `The input has ${options.input.length} bytes; at most ${inputCap} can be sent.`,
    );
  }
  return pairs;
}

function inputOf(options: ExecOptions): { 'input-data'?: string } {
  return options.input === undefined ? {} : { 'input-data': Buffer.from(options.input).toString('base64') };
}

async function spawn(
  connection: AgentConnection,
  args: object,
  options: CallOptions = callOptions,
): Promise<number> {
  const reply = await connection.call('guest-exec', args, options);
  return integerOf(objectOf(reply, 'guest-exec')['pid'], 'guest-exec', 'pid');
}

async function status(
  connection: AgentConnection,
  pid: number,
  options: CallOptions = callOptions,
): Promise<Status> {
  const command = 'guest-exec-status';
  const reply = objectOf(await connection.call(command, { pid }, options), command);
  const number = (key: string): number | null =>
    typeof reply[key] === 'number' ? integerOf(reply[key], command, key) : null;
  return { exited: reply['exited'] === true, exitCode: number('exitcode'), signal: number('signal'), reply };
}

/** Waits for the end of a command, without its output, so that the agent forgets it. */
async function reap(connection: AgentConnection, pid: number): Promise<boolean> {
  const end = performance.now() + killGraceMs;
  let wait = firstPauseMs;
  for (;;) {
    if ((await status(connection, pid, killOptions)).exited) return true;
    if (performance.now() >= end) return false;
    await pause(wait);
    wait = Math.min(wait * 2, longestPauseMs);
  }
}

/** Ends a command and, where the guest has setsid, all that it started: politely, then not. */
async function kill(connection: AgentConnection, pid: number): Promise<void> {
  // Without `--` before the group, which dash does not take.
  const script = 'kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2"';
  for (const name of ['TERM', 'KILL']) {
    const killer = { path: '/bin/sh', arg: ['-c', script, 'sh', name, String(pid)] };
    await reap(connection, await spawn(connection, killer, killOptions));
    if (await reap(connection, pid)) return;
  }
}

/** Polls until `look` says that the command has ended; whatever ends the polling otherwise kills the command. */
async function poll(
  connection: AgentConnection,
  pid: number,
  options: ExecOptions,
  look: (status: Status) => Promise<'again' | 'later'>,
): Promise<Status> {
  const end = performance.now() + (options.timeoutMs ?? Infinity);
  let wait = firstPauseMs;
  let ended = false;
  try {
    for (;;) {
      if (options.signal?.aborted === true) throw cancelled(options.path);
      if (performance.now() >= end) throw overdue(options);
      const now = await status(connection, pid);
      ended = now.exited;
      const news = await look(now);
      if (ended) return now;
      wait = news === 'again' ? firstPauseMs : Math.min(wait * 2, longestPauseMs);
      if (news === 'later') await pause(Math.min(wait, Math.max(1, end - performance.now())), options.signal);
    }
  } catch (error) {
    // Best effort: the reason to stop matters more than a guest that can't be helped.
    if (!ended) await kill(connection, pid).catch(() => undefined);
    throw error;
  }
}

function overdue({ path, timeoutMs }: ExecOptions): KameError {
  return new KameError(
    'GUEST_TIMEOUT',
    `${path} did not end within ${timeoutMs} ms in the guest; it was killed.`,
  );
}

interface OutputFile {
  readonly handle: number;
  readonly deliver: ((chunk: Buffer) => void | Promise<void>) | undefined;
}

/** Opens the command's two output files, wherever the wrapper could make them; undefined while they are not there. */
async function openOutputs(
  connection: AgentConnection,
  name: string,
  options: ExecOptions,
): Promise<OutputFile[] | undefined> {
  for (const base of bases) {
    try {
      // `r` is made last: where it is, the others are.
      await closeFile(
        connection,
        await openFile(connection, `${base}/${name}/r`, 'r', callOptions),
        callOptions,
      );
    } catch (error) {
      if (error instanceof KameError && error.code === 'GUEST_FAILED') continue;
      throw error;
    }
    const out = await openFile(connection, `${base}/${name}/o`, 'r', callOptions);
    const err = await openFile(connection, `${base}/${name}/e`, 'r', callOptions);
    return [
      { handle: out, deliver: options.onStdout },
      { handle: err, deliver: options.onStderr },
    ];
  }
  return undefined;
}

/** Hands over what has come since the last look, one chunk of each stream; returns the number of bytes. */
async function drain(connection: AgentConnection, files: readonly OutputFile[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const chunk = await readChunk(connection, file.handle, callOptions);
    bytes += chunk.length;
    if (chunk.length > 0) await file.deliver?.(chunk);
  }
  return bytes;
}

/** Begins to remove the command's files; open ones may go too. */
async function removeFiles(connection: AgentConnection, name: string): Promise<number> {
  const paths = bases.map((base) => `${base}/${name}`);
  const args = { path: '/bin/sh', arg: ['-c', 'exec rm -rf -- "$@"', 'sh', ...paths] };
  return spawn(connection, args, killOptions);
}

/** Has the agent forget what it keeps of a command: open files, and the helper's end. */
async function forget(
  connection: AgentConnection,
  helper: number,
  files: readonly OutputFile[],
): Promise<void> {
  for (const { handle } of files) await closeFile(connection, handle, callOptions);
  await reap(connection, helper);
}

async function stream(
  connection: AgentConnection,
  pid: number,
  name: string,
  options: ExecOptions,
): Promise<ExecResult> {
  let files: OutputFile[] = [];
  try {
    // The status is asked before the files are read, so that what the program wrote last is read too.
    const { exitCode, signal } = await poll(connection, pid, options, async (now) => {
      if (files.length === 0) files = (await openOutputs(connection, name, options)) ?? [];
      if (now.exited && files.length === 0) throw noPlace(now.exitCode);
      let bytes = await drain(connection, files);
      const news = bytes > 0 ? 'again' : 'later';
      while (now.exited && bytes > 0) bytes = await drain(connection, files);
      return news;
    });
    return { exitCode, signal, streamed: true, truncated: false };
  } finally {
    // The files must go even if the caller hangs up now; for the rest the result does not wait.
    const helper = await removeFiles(connection, name).catch(() => undefined);
    if (helper !== undefined) void forget(connection, helper, files).catch(() => undefined);
  }
}

function noPlace(exitCode: number | null): KameError {
  return new KameError(
    'GUEST_FAILED',
    `The guest has no place for the command's output (tried ${bases.join(', ')}; exit status ${exitCode}).`,
  );
}

/** Runs without a shell in the guest: all output comes at the end, at most 16 MiB of each stream. */
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
  const { exitCode, signal, reply } = await poll(connection, pid, options, async () => 'later');
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
 * Runs a command in the guest; output comes to the callbacks while it runs, in order within each stream. A command
 * that outlives its timeout or is cancelled is killed with its children.
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
  const words = [name, String(pairs.length), ...pairs, options.path, ...(options.args ?? [])];
  const args = { path: '/bin/sh', arg: ['-c', wrapper, 'kame', ...words], ...inputOf(options) };
  let pid: number;
  try {
    pid = await spawn(connection, args, spawnOptions(options));
  } catch (error) {
    // No shell there, as in Windows: the agent says so by refusing.
    if (error instanceof KameError && error.code === 'GUEST_FAILED')
      return capture(connection, options, pairs);
    throw error;
  }
  return stream(connection, pid, name, options);
}
