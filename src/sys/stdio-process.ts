import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { startError } from './process.ts';

export interface StdioProcess extends AsyncDisposable {
  /** Standard output and standard input of the program, as one stream. */
  readonly stream: Duplex;
  /** The last 8 KiB of standard error. */
  lastWords(): string;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
}

const keptBytes = 8192;

/**
 * Starts a program that communicates over standard input and output. Disposing kills it if it is still running.
 * @throws KameError ENGINE_MISSING, HOST_PROBLEM
 */
export async function spawnStdio(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string> } = {},
): Promise<StdioProcess> {
  const child = spawn(command, [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env ? { env: options.env } : {}),
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-keptBytes);
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  // Writing to a program that has ended fails later, when its end is already known.
  child.stdin.on('error', () => undefined);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
  } catch (error) {
    throw startError(command, error);
  }
  return {
    stream: Duplex.from({ readable: child.stdout, writable: child.stdin }),
    lastWords: () => words.trim(),
    exited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
