import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pause } from '../../core/deadline.ts';
import { messageOf } from '../../core/errors.ts';
import { isAlive } from '../../sys/process-identity.ts';
import { startCompanion, type Companion } from '../companion/companion.ts';
import type { PasstPlan } from './passt-plan.ts';

/** Milliseconds that a passt has to listen. */
const startMs = 5000;
/** Milliseconds between looks at one that runs. Nothing is lost meanwhile: the switch sees its end at once. */
const lookMs = 1000;
/** Milliseconds before a start, after so many failures in a row. A host can get what a passt lacks later, such as a route. */
const retryMs = [0, 100, 1000, 10_000, 60_000] as const;
/** Milliseconds after which one that ends has not failed to start. */
const steadyMs = 60_000;
const longestReason = 200;

/** What passts need of their network. */
export interface PasstSurroundings {
  /** The run directory of the network. */
  readonly directory: string;
  /** Called when one does not start, and when it does again. */
  readonly changed: () => void;
}

/** One passt, started again whenever it ends, until it is let go. */
export class KeptPasst {
  /** Why it does not run, in one line; null if it does, or starts. */
  trouble: string | null = null;
  readonly #plan: PasstPlan;
  readonly #around: PasstSurroundings;
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;

  /** @param adopted its process, if it runs already */
  constructor(plan: PasstPlan, adopted: Companion | undefined, around: PasstSurroundings) {
    this.#plan = plan;
    this.#around = around;
    this.#work = this.#keep(adopted);
  }

  /** Does no more for it; a process that runs goes on. */
  async letGo(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  async #keep(adopted: Companion | undefined): Promise<void> {
    const { signal } = this.#stop;
    let running = adopted;
    for (let failures = 0; !signal.aborted; failures += 1) {
      await pause(retryMs[Math.min(failures, retryMs.length - 1)] ?? 0, signal);
      try {
        running ??= await this.#start();
        this.#is(null);
        const since = performance.now();
        await this.#watch(running);
        if (performance.now() - since >= steadyMs) failures = 0;
        else if (failures > 0 && !signal.aborted) this.#is('passt ends soon after it has started');
      } catch (thrown) {
        if (!signal.aborted) this.#is(await this.#reasonOf(thrown));
      }
      running = undefined;
    }
  }

  async #start(): Promise<Companion> {
    const { name, command, args, socket } = this.#plan;
    // Only what the last one says is of interest.
    for (const left of [this.#log, socket]) await rm(left, { force: true });
    const limits = { deadlineMs: startMs, signal: this.#stop.signal };
    return await startCompanion(
      this.#around.directory,
      { name, command, args, mark: ['--socket', socket], socket, logFile: this.#log },
      limits,
    );
  }

  async #watch({ process }: Companion): Promise<void> {
    const { signal } = this.#stop;
    do await pause(lookMs, signal);
    while (!signal.aborted && (await isAlive(process)));
  }

  #is(trouble: string | null): void {
    if (trouble === this.trouble) return;
    this.trouble = trouble;
    this.#around.changed();
  }

  get #log(): string {
    return join(this.#around.directory, `${this.#plan.name}.log`);
  }

  /** What it said last, or else what became of it. Where there is no system logger, it says that too. */
  async #reasonOf(thrown: unknown): Promise<string> {
    const text = await readFile(this.#log, 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.endsWith('to syslog'));
    return (lines.at(-1) ?? messageOf(thrown)).replaceAll(/[^\P{C}]/gu, ' ').slice(0, longestReason);
  }
}
