import { readFileSync } from 'node:fs';
import { errnoOf } from '../core/errors.ts';
import { run } from './process.ts';
import { readProcessStat } from './process-stat.ts';

/**
 * A process, distinguished from any later one with the same pid: pids are reused, so a pid alone proves nothing.
 * On Linux `birth` is the start time in clock ticks since boot and the boot id; on macOS it is `lstart` from `ps`.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly birth: string;
}

function linuxBirth(pid: number): string | undefined {
  try {
    const { startTicks, hasEnded } = readProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    if (hasEnded) return undefined;
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${startTicks}@${bootId}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

async function psBirth(pid: number): Promise<string | undefined> {
  const result = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } });
  const [state = '', ...start] = result.stdout.trim().split(/\s+/);
  if (result.exitCode !== 0 || state.startsWith('Z') || start.length === 0) return undefined;
  return start.join(' ');
}

/** The process that has this pid now, or undefined. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const birth = process.platform === 'linux' ? linuxBirth(pid) : await psBirth(pid);
  return birth === undefined ? undefined : { pid, birth };
}

/** Whether exactly this process is still running. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.birth === identity.birth;
}

/** Sends a signal to exactly this process, never to a later one with the same pid. False when it has ended. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}
