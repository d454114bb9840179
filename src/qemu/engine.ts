import { readFile, rm } from 'node:fs/promises';
import { Deadline, poll, settledWithin, type StepLimits } from '../core/deadline.ts';
import { KameError } from '../core/errors.ts';
import type { Progress } from '../core/progress.ts';
import { readFileCapped, temporaryName, writeFileAtomic } from '../sys/files.ts';
import { identify, isAlive, signalProcess, type ProcessIdentity } from '../sys/process-identity.ts';
import { findProcesses } from '../sys/process-search.ts';
import { versionText } from './capabilities/capabilities.ts';
import { pidFileIn } from './plan/sockets.ts';
import { pngFromPpm } from './png.ts';
import type { ExecuteOptions } from './qmp/client.ts';
import type { Commands, Events } from './qmp/generated/protocol.ts';
import { LimitedQmp, type Qmp } from './qmp/limited.ts';
import { QmpError } from './qmp/qmp-error.ts';
import { startFailure, type EngineEnd } from './start-failure.ts';

/** The run states of QMP: `running`, `paused`, `io-error`, `inmigrate`, … */
export type EngineStatus = Commands['query-status']['result']['status'];

/** Milliseconds that a living engine takes at most to report its status, even on a loaded host. */
const answerMs = 5000;
/** The same before an operation is undone: whoever has cancelled it is waiting. */
const undoAnswerMs = 2000;
/** Milliseconds until the end of a process that has ended is reported. */
const exitReportMs = 1000;
const largestScreenshot = 256 * 1024 * 1024;

/** The process in a pid file of QEMU, if it is still running. */
export async function engineOf(pidFile: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  return pid === undefined ? undefined : await identify(Number(pid));
}

/**
 * The engines of a run directory, found by their command lines: an engine that is starting has not written its pid file
 * yet, and the pid in an old file may belong to another program.
 */
export async function enginesIn(runDirectory: string): Promise<ProcessIdentity[]> {
  return await findProcesses(['-pidfile', pidFileIn(runDirectory)]);
}

function optionsOf(limits: StepLimits | undefined): ExecuteOptions {
  return limits ? { timeoutMs: limits.deadlineMs, signal: limits.signal } : {};
}

function isLate(error: unknown): boolean {
  return error instanceof KameError && error.code === 'ENGINE_TIMEOUT';
}

/** What is known of the process of an engine. */
export interface EngineLife {
  /** If this process started it. */
  readonly exited?: Promise<EngineEnd>;
  readonly lastWords: () => string;
}

/** A running QEMU and its monitor. Disposing closes the monitor connection; the guest keeps running. */
export class Engine implements AsyncDisposable {
  readonly name: string;
  readonly qmp: Qmp;
  readonly process: ProcessIdentity;
  readonly #life: EngineLife;
  readonly #killed: { yes: boolean };

  constructor(name: string, qmp: Qmp, identity: ProcessIdentity, life: EngineLife, killed = { yes: false }) {
    this.name = name;
    this.qmp = qmp;
    this.process = identity;
    this.#life = life;
    this.#killed = killed;
  }

  /** Whether Kame itself killed the process. */
  get killed(): boolean {
    return this.#killed.yes;
  }

  /** How the process ended; null if it was started by an earlier daemon, or has not ended. */
  async end(): Promise<EngineEnd | null> {
    const { exited } = this.#life;
    // The exit is reported a moment after the monitor has closed.
    return exited && (await settledWithin(exited, exitReportMs)) ? await exited : null;
  }

  /** The error to report of a start: how the engine ended, if it has ended by itself, or else the problem. */
  async startFailure(problem: unknown): Promise<unknown> {
    const lost =
      problem instanceof KameError && problem.code === 'ENGINE_FAILED' && !(problem instanceof QmpError);
    const end = lost && !this.killed ? await this.end() : null;
    return end ? startFailure(this.name, end, this.lastWords()) : problem;
  }

  /** The last output of the engine. */
  lastWords(): string {
    return this.#life.lastWords();
  }

  /** Resolves with the reason when the monitor connection ends, usually because QEMU has ended. */
  get closed(): Promise<KameError> {
    return this.qmp.closed;
  }

  /** Calls the listener for each event with that name until the result is disposed. */
  on<E extends keyof Events>(event: E, listener: (data: Events[E], at: Date) => void): Disposable {
    return this.qmp.on(event, listener);
  }

  /** This engine for one operation, whose signal cancels every command. After 2 s without a reply, that is reported. */
  for(progress: Progress): Engine {
    const qmp = new LimitedQmp(this.qmp, this.name, progress);
    return new Engine(this.name, qmp, this.process, this.#life, this.#killed);
  }

  /**
   * Checks that the engine answers, before anything is begun that would have to be undone.
   * @throws KameError ENGINE_TIMEOUT, CANCELLED, ENGINE_FAILED
   */
  async requireAnswer(deadlineMs = answerMs): Promise<void> {
    try {
      await this.qmp.execute('query-status', {}, { timeoutMs: Math.min(deadlineMs, answerMs) });
    } catch (error) {
      throw isLate(error) ? this.unresponsive(error) : error;
    }
  }

  /** Whether the engine answers soon. An engine that is known to be silent is not asked again. */
  async answers(): Promise<boolean> {
    if (this.qmp.silent) return false;
    try {
      await this.qmp.execute('query-status', {}, { timeoutMs: undoAnswerMs });
      return true;
    } catch {
      return false;
    }
  }

  /** The error for an engine that runs but does not answer. */
  unresponsive(cause?: unknown): KameError {
    const { pid } = this.process;
    return new KameError('ENGINE_TIMEOUT', `The engine of ${this.name} (process ${pid}) does not answer.`, {
      next: `It may have been stopped by a signal, or wait for a disk of the host. kame stop ${this.name} --hard ends it; unsaved data in the guest is then lost.`,
      details: { machine: this.name, pid },
      cause,
    });
  }

  async status(): Promise<EngineStatus> {
    return (await this.qmp.execute('query-status', {}, { timeoutMs: 10_000 })).status;
  }

  /** The version of QEMU, such as `7.2.22`. */
  get version(): string {
    return versionText(this.qmp);
  }

  /** Whether the process of the engine is still running. */
  async isAlive(): Promise<boolean> {
    return await isAlive(this.process);
  }

  /** Presses the power button: the guest shuts down if it reacts to that. */
  async powerdown(limits?: StepLimits): Promise<void> {
    await this.qmp.execute('system_powerdown', {}, optionsOf(limits));
  }

  async pause(): Promise<void> {
    await this.qmp.execute('stop');
  }

  async resume(limits?: StepLimits): Promise<void> {
    await this.qmp.execute('cont', {}, optionsOf(limits));
  }

  /**
   * Ends QEMU like a power failure of the guest, but with its image files closed properly; by force after the deadline.
   * @throws KameError ENGINE_TIMEOUT when the process survives even that
   */
  async quit(options: { deadlineMs?: number } = {}): Promise<void> {
    const deadline = new Deadline(options.deadlineMs ?? 10_000);
    try {
      await this.qmp.execute('quit', {}, { timeoutMs: deadline.leftMs });
    } catch {
      // The monitor may be gone or hang; only the process matters.
    }
    if (await this.#waitUntilGone(deadline.leftMs)) return;
    await this.kill();
  }

  /** Kills the process. @throws KameError ENGINE_TIMEOUT when it still exists after 5 s */
  async kill(): Promise<void> {
    this.#killed.yes = true;
    await signalProcess(this.process, 'SIGKILL');
    if (await this.#waitUntilGone(5000)) return;
    throw new KameError(
      'ENGINE_TIMEOUT',
      `The engine of ${this.name} (process ${this.process.pid}) could not be ended.`,
      {
        next: 'Check the kernel log of the host: the process may be waiting for a failing disk.',
      },
    );
  }

  /**
   * Saves the screen as a PNG. QEMU itself writes PPM only: when it cannot write a PNG to the end, because the disk is full, libpng ends
   * its process (seen with 7.2), and the guest with it.
   * @throws KameError ENGINE_FAILED without a screen, FILE_ACCESS, DISK_FULL
   */
  async screenshot(file: string): Promise<void> {
    const raw = temporaryName(file);
    try {
      await this.qmp.execute('screendump', { filename: raw });
      await writeFileAtomic(file, await pngFromPpm(await readFileCapped(raw, largestScreenshot)));
    } finally {
      await rm(raw, { force: true });
    }
  }

  /** How many bytes the guest has read from its disks and written to them, since its engine was started. */
  async diskTraffic(deadlineMs: number): Promise<{ readBytes: number; writtenBytes: number }> {
    const drives = await this.qmp.execute('query-blockstats', {}, { timeoutMs: deadlineMs });
    const sum = (of: 'rd_bytes' | 'wr_bytes') => drives.reduce((bytes, { stats }) => bytes + stats[of], 0);
    return { readBytes: sum('rd_bytes'), writtenBytes: sum('wr_bytes') };
  }

  /** Closes the monitor connection; the guest keeps running, and another process can attach. */
  async detach(): Promise<void> {
    await this.qmp[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.detach();
  }

  async #waitUntilGone(deadlineMs: number): Promise<boolean> {
    const gone = async (): Promise<true | undefined> => ((await this.isAlive()) ? undefined : true);
    return (await poll(gone, { deadlineMs, maxStepMs: 50 })) ?? false;
  }
}
