import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { DaemonProgram } from '../client/node/ensure-daemon.ts';

export type TerminalInput = Readable & {
  readonly isTTY?: boolean;
  readonly fd?: number;
  setRawMode?(raw: boolean): unknown;
};
export type TerminalOutput = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a command gets from the program it runs in. Tests give their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: TerminalOutput;
  /** Where SIGINT, SIGTERM and SIGHUP are told. */
  readonly signals: Pick<EventEmitter, 'on' | 'off'>;
  /** How the daemon is started in the background. */
  readonly daemon: DaemonProgram;
  /** Runs the daemon in this process, until it ends. */
  runDaemon(argv: string[]): Promise<void>;
  /** Ends the process at once. */
  exit(code: number): void;
}

export const onTerminal = (stream: TerminalOutput, env: CliContext['env']): boolean =>
  stream.isTTY === true && env['TERM'] !== 'dumb';

/** Colours only for people: on a terminal that has them, and unless NO_COLOR (no-color.org) is set. */
export const hasColours = (stream: TerminalOutput, env: CliContext['env']): boolean =>
  onTerminal(stream, env) && (env['NO_COLOR'] ?? '') === '';
