import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { DaemonProgram } from '../client/node/ensure-daemon.ts';

export type TerminalInput = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
};
export type TerminalOutput = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** What a command uses of the process it runs in. Tests pass their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: TerminalInput;
  /** The file descriptor of standard input, if it has one: what it is can be asked without opening it, which takes time. */
  readonly stdinFile?: number;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
  /** Emits SIGINT, SIGTERM and SIGHUP. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>;
  /** The program that runs as the daemon in the background. */
  readonly daemon: DaemonProgram;
  /** The directory with vmrun and the stand-ins for other programs of VMware. */
  readonly standIns: string;
  /** Runs the daemon in this process until it exits. */
  runDaemon(argv: string[]): Promise<void>;
  /** Ends the process immediately. */
  exit(code: number): void;
}

export const onTerminal = (stream: TerminalOutput, env: CliContext['env']): boolean =>
  stream.isTTY === true && env['TERM'] !== 'dumb';

/** Whether to use colours: only on a terminal that supports them, and unless NO_COLOR (no-color.org) is set. */
export const hasColours = (stream: TerminalOutput, env: CliContext['env']): boolean =>
  onTerminal(stream, env) && (env['NO_COLOR'] ?? '') === '';
