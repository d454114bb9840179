import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import { fileError } from '../../sys/files.ts';
import { spawnDetached } from '../../sys/process.ts';
import { connectUnix } from '../../sys/socket.ts';

/** The command that starts the daemon. Arguments that name the home directory are added. */
export interface DaemonProgram {
  readonly command: string;
  readonly args: readonly string[];
}

const startDeadlineMs = 15_000;
/** Two clients may start a daemon at the same time: one of the daemons exits, and the socket of the other appears soon after. */
const exitBusy = 75;
const maxLastWords = 4096;

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

/** The last lines that were appended to the log after its first `from` bytes. */
async function lastWords(log: string, from: number): Promise<string> {
  const size = await sizeOf(log);
  const start = Math.max(from, size - maxLastWords);
  if (size <= start) return '';
  await using file = await open(log, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.subarray(0, bytesRead).toString('utf8').trim().split('\n').slice(-10).join('\n');
}

async function waitForSocket(socket: string, exited: Promise<{ code: number | null }>): Promise<boolean> {
  try {
    const first = await connectUnix(socket, { deadlineMs: startDeadlineMs, stop: exited });
    const lost = first === undefined && (await exited).code === exitBusy;
    const connection = lost ? await connectUnix(socket, { deadlineMs: startDeadlineMs }) : first;
    connection?.destroy();
    return connection !== undefined;
  } catch (error) {
    if (error instanceof KameError && error.code === 'ENGINE_TIMEOUT') return false;
    throw error;
  }
}

/**
 * Starts the daemon in its own session and waits until its socket answers. Creates the home directory if necessary.
 * @throws KameError DAEMON_UNREACHABLE with the daemon's last log lines, FILE_ACCESS, HOST_PROBLEM
 */
export async function startDaemon(home: string, socket: string, program: DaemonProgram): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileError(error, home);
  }
  const logFile = join(home, 'kamed.log');
  const before = await sizeOf(logFile);
  const daemon = await spawnDetached(program.command, [...program.args, '--home', home], { logFile });
  let ended: { code: number | null; signal: string | null } | undefined;
  const exited = daemon.exited.then((how) => (ended = how));
  if (await waitForSocket(socket, exited)) return;
  const how = ended
    ? `The daemon ended while it was starting (${ended.signal ?? `exit code ${ended.code}`}).`
    : `The daemon did not start within ${startDeadlineMs / 1000} s.`;
  const words = await lastWords(logFile, before);
  throw new KameError(
    'DAEMON_UNREACHABLE',
    words === '' ? how : `${how} The last lines of its log:\n${words}`,
    {
      next: `See the log: ${logFile}.`,
      details: { log: logFile },
    },
  );
}
