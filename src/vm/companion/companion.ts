import type { Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import {
  readCompanionRecords,
  removeCompanionRecord,
  writeCompanionRecord,
  type CompanionRecord,
} from '../../store/companion-record.ts';
import { identify, isAlive, signalProcess, type ProcessIdentity } from '../../sys/process-identity.ts';
import { findProcesses } from '../../sys/process-search.ts';
import { spawnDetached } from '../../sys/process.ts';
import { connectUnix } from '../../sys/socket.ts';
import { ensureGone } from './end.ts';

/**
 * A companion is a process that serves an engine and outlives the daemon, such as a machine's TPM or the NAT of a network.
 * It belongs to a run directory, which contains its record, and ends with the machine of that directory.
 */
export interface Companion {
  readonly name: string;
  readonly process: ProcessIdentity;
}

/** A companion that was started, with the first connection to its socket, which the caller uses and ends. */
export interface StartedCompanion extends Companion {
  readonly connection: Socket;
}

/** How a companion is started. */
export interface CompanionProgram {
  /** Unique in the directory; the name of its record. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Consecutive elements of `args` that identify the process, such as an option with a path in the directory. */
  readonly mark: readonly string[];
  /** The socket that it listens on when it is ready. */
  readonly socket: string;
  /** Where its output is appended. */
  readonly logFile: string;
  /** Its environment, if not that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface StartOptions {
  /** Milliseconds until its socket must answer. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** Milliseconds that a companion has to exit after SIGTERM. */
const termMs = 2000;

/** The running processes of a record: the one that it names, or those that match its mark. */
async function processesOf({ process, mark }: CompanionRecord): Promise<ProcessIdentity[]> {
  if (process === null) return await findProcesses(mark);
  return (await isAlive(process)) ? [process] : [];
}

async function end(directory: string, record: CompanionRecord, deadlineMs = termMs): Promise<void> {
  const processes = await processesOf(record);
  for (const process of processes) await signalProcess(process, 'SIGTERM');
  for (const process of processes) await ensureGone(`The companion ${record.name}`, process, deadlineMs);
  // Last: the next daemon must find the record while the process may still run.
  await removeCompanionRecord(directory, record.name);
}

/**
 * Starts a companion and waits until its socket answers. The record is written before the process starts, so that the
 * next daemon finds the process whenever this one is killed. The connection is for the caller, who would need another one otherwise; a
 * QEMU 7.2 was seen to crash just after its first client had gone again.
 * @throws KameError ENGINE_MISSING without the program, ENGINE_FAILED when it exits early, ENGINE_TIMEOUT, CANCELLED;
 * in each case the process no longer runs
 */
export async function startCompanion(
  directory: string,
  program: CompanionProgram,
  { deadlineMs, signal }: StartOptions,
): Promise<StartedCompanion> {
  const { name, command, args, mark, socket, logFile, env } = program;
  const planned: CompanionRecord = { name, mark, process: null };
  await writeCompanionRecord(directory, planned);
  let record = planned;
  let connection: Socket | undefined;
  try {
    const child = await spawnDetached(command, args, { logFile, ...(env ? { env } : {}) });
    const process = await identify(child.pid);
    if (process) {
      record = { ...planned, process };
      await writeCompanionRecord(directory, record);
    }
    const options = { deadlineMs, stop: child.exited, ...(signal ? { signal } : {}) };
    connection = await connectUnix(socket, options);
    if (connection && process) return { name, process, connection };
    const how = await child.exited;
    throw new KameError(
      'ENGINE_FAILED',
      `${name} exited before its socket answered (${how.signal ?? `exit code ${how.code}`}).`,
      {
        next: `Read its output in ${logFile}.`,
        details: { log: logFile },
      },
    );
  } catch (error) {
    connection?.destroy();
    await end(directory, record);
    throw error;
  }
}

/** The companions of a directory that still run after the daemon that started them has died. Removes the records of others. */
export async function adoptCompanions(directory: string): Promise<Companion[]> {
  const adopted: Companion[] = [];
  for (const record of await readCompanionRecords(directory)) {
    const [process] = await processesOf(record);
    if (process) {
      if (record.process === null) await writeCompanionRecord(directory, { ...record, process });
      adopted.push({ name: record.name, process });
    } else {
      await removeCompanionRecord(directory, record.name);
    }
  }
  return adopted;
}

/**
 * Ends all companions of a directory.
 * @param deadlineMs milliseconds that each has to exit before it is killed
 * @throws KameError ENGINE_TIMEOUT when one cannot be ended
 */
export async function endCompanions(directory: string, deadlineMs = termMs): Promise<void> {
  for (const record of await readCompanionRecords(directory)) await end(directory, record, deadlineMs);
}

/** Ends one companion of a directory. One that does not run is no error. @throws KameError ENGINE_TIMEOUT */
export async function endCompanion(directory: string, name: string): Promise<void> {
  for (const record of await readCompanionRecords(directory)) {
    if (record.name === name) await end(directory, record);
  }
}
