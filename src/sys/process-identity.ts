import { readFileSync } from 'node:fs';
import { errnoOf } from '../core/errors.ts';
import { run } from './process.ts';

/**
 * A process, told apart from any later one of the same pid: pids are used again, so a pid alone proves nothing.
 * On Linux `birth` is the start time in clock ticks since boot and the boot's id; on macOS what `ps` prints as lstart.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly birth: string;
}

function linuxBirth(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name is in parentheses and may itself hold spaces and parentheses (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state] = fields;
    // A zombie runs no more and holds nothing.
    if (state === 'Z' || state === 'X') return undefined;
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${fields[19]}@${bootId}`;
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

/** Who has this pid now; undefined when nobody has. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const birth = process.platform === 'linux' ? linuxBirth(pid) : await psBirth(pid);
  return birth === undefined ? undefined : { pid, birth };
}

/** Whether that very process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.birth === identity.birth;
}

/** Sends a signal to that very process, never to a later one of the same pid. False when it is gone. */
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
