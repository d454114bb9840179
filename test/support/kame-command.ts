import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { CliContext } from '../../src/cli/context.ts';
import { main } from '../../src/cli/kame/main.ts';

export interface RunOptions {
  /** What the environment has besides KAME_HOME. */
  readonly env?: CliContext['env'];
  readonly cwd?: string;
  readonly stdin?: CliContext['stdin'];
  /** Whether output goes to a terminal. */
  readonly tty?: boolean;
  readonly signals?: EventEmitter;
  /** The size of the terminal for output. */
  readonly size?: { rows: number; columns: number };
  /** Called with the standard output before the command runs. */
  readonly onStdout?: (stdout: EventEmitter) => void;
  /** Called with each piece of the standard error as it comes. */
  readonly onStderr?: (text: string) => void;
  readonly daemon?: CliContext['daemon'];
  readonly standIns?: string;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

/** A stream that keeps what is written to it. */
function sink(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, bytes: () => Buffer.concat(chunks) };
}

/** Standard input of a terminal that remembers whether it is in raw mode. */
export function terminalInput() {
  const modes: boolean[] = [];
  const stream = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
  });
  return { stream, modes };
}

/** Runs a command line of kame in this process. Without `daemon`, none can be started. */
export async function kame(home: string, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = sink(options.tty ?? false);
  const stderr = sink(options.tty ?? false);
  stderr.stream.on('data', (chunk: Buffer) => options.onStderr?.(chunk.toString()));
  options.onStdout?.(stdout.stream);
  let exited: number | undefined;
  const code = await main(argv, {
    env: { TERM: 'xterm', KAME_HOME: home, ...options.env },
    cwd: options.cwd ?? home,
    stdin: options.stdin ?? Object.assign(new PassThrough(), { isTTY: false }),
    stdout: Object.assign(stdout.stream, options.size),
    stderr: stderr.stream,
    signals: options.signals ?? new EventEmitter(),
    standIns: options.standIns ?? '/no/such/stand-ins',
    daemon: options.daemon ?? { command: '/no/such/program', args: [] },
    runDaemon: () => Promise.reject(new Error('not here')),
    exit: (status) => {
      exited = status;
    },
  });
  return {
    code: exited ?? code,
    stdout: stdout.bytes().toString('utf8'),
    stdoutBytes: stdout.bytes(),
    stderr: stderr.bytes().toString('utf8'),
  };
}
