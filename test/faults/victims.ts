import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { poll } from '../../src/core/deadline.ts';
import { readProcessStat } from '../../src/sys/process-stat.ts';

/** Who is killed: any of them at once. `command` is the `kame` that asked for the operation. */
export type Victim = 'engine' | 'daemon' | 'command';

export interface Process {
  readonly pid: number;
  readonly args: readonly string[];
}

function argumentsOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return text === '' ? [] : text.slice(0, -1).split('\0');
  } catch {
    // Gone meanwhile.
    return [];
  }
}

function isGone(pid: number): boolean {
  try {
    return readProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1')).hasEnded;
  } catch {
    return true;
  }
}

/** Engines that run for a home now. Quick, since it is asked in the moment of a kill: their pid files tell. */
export function enginesNow(home: string): Process[] {
  const run = join(home, 'run');
  const found: Process[] = [];
  let names: string[] = [];
  try {
    names = readdirSync(run).toSorted();
  } catch {
    // No machine has ever run.
  }
  for (const name of names) {
    let pid = Number.NaN;
    try {
      pid = Number.parseInt(readFileSync(join(run, name, 'pid'), 'utf8'), 10);
    } catch {
      continue;
    }
    const args = argumentsOf(pid);
    if (args.includes(join(run, name, 'pid')) && !isGone(pid)) found.push({ pid, args });
  }
  return found;
}

/** All processes whose arguments speak of a home: its engines, its daemon, image programs at work in it. */
export function processesOf(home: string): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), args: argumentsOf(Number(name)) }))
    .filter(({ pid, args }) => args.some((arg) => arg === home || arg.includes(`${home}/`)) && !isGone(pid));
}

/** The daemon of a home, or undefined. */
export function daemonNow(home: string): number | undefined {
  const daemon = processesOf(home).find(({ args }) => args.some((arg) => arg.endsWith('kamed.mjs')));
  return daemon?.pid;
}

/** Kills processes, all in the same instant. */
export function killNow(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }
}

/** Waits until processes are gone. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  const gone = await poll(async () => (pids.every(isGone) ? true : undefined), {
    deadlineMs: 30_000,
    stepMs: 2,
  });
  if (!gone) throw new Error(`Of the processes ${pids.join(', ')} not all end.`);
}
