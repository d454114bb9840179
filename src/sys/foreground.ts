import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Shells report this plus the number of the signal for a command that a signal ended. */
const signalBase = 128;

/** Signals that someone sends to this process alone, and that are passed on. */
const passedOn = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a program in the place of this one: with its terminal, its standard input and output. Ctrl-C reaches the program from the
 * terminal, so this process ignores it.
 * @returns the exit code, as a shell reports it
 * @throws the error of the system if it cannot be started: ENOENT if it is not installed
 */
export async function runInForeground(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const child = spawn(command, [...args], { stdio: 'inherit', env });
  const ignore = () => undefined;
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', ignore);
  for (const signal of passedOn) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve(signal === null ? (code ?? 1) : signalBase + constants.signals[signal]);
      });
    });
  } finally {
    process.off('SIGINT', ignore);
    for (const signal of passedOn) process.off(signal, pass);
  }
}
