import { KameError, messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import { due, expired, tick } from '../../vmx/autoprotect.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { deleteExpired, saveTime, takeDue, tellAutoProtect } from './autoprotect-run.ts';

/** Where AutoProtect has its time from; a test gives its own. */
export interface Clock {
  /** Milliseconds that only go forward, whatever the host’s date is set to. */
  readonly monotonic: () => number;
  /** For labels. */
  readonly date: () => Date;
}

const hostClock: Clock = { monotonic: () => performance.now(), date: () => new Date() };

/** Milliseconds between two looks. */
export const tickMs = 60_000;
/** No step of the clock counts for more: a host that slept, or stood still, was not running its machines. */
const maxStepMs = 2 * tickMs;
/** So much running time is lost at most when the daemon is killed: it is written no more often. */
const saveAfterMs = 5 * 60_000;
/** After a failure it waits for twice as long each time, up to this. */
const maxWaitMs = 30 * tickMs;

/** What is known of one machine since it was first seen running. */
interface Entry {
  /** Running time that its `.vmsd` does not have yet. */
  unsavedMs: number;
  /** Whether it ran when the clock was last read. */
  ran: boolean;
  /** By the monotonic clock: not before. */
  retryAt: number;
  failures: number;
}

/**
 * Counts the time that machines run and does for each what AutoProtect has to do. Paused, suspended and stopped machines
 * stand still, and so does their clock.
 */
export class AutoProtectClock {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #last: number;
  #ticking = false;
  readonly #stop = new AbortController();

  constructor(host: Host, clock: Clock = hostClock) {
    this.#host = host;
    this.#clock = clock;
    this.#last = clock.monotonic();
  }

  /** Milliseconds a machine has run that its `.vmsd` does not have yet. */
  unsavedMs(vmx: string): number {
    this.account();
    return this.#entries.get(vmx)?.unsavedMs ?? 0;
  }

  /** Adds the time since the last reading to the machines that ran then. To be called whenever one starts or stops to run. */
  account(): void {
    const now = this.#clock.monotonic();
    const step = Math.min(Math.max(0, now - this.#last), maxStepMs);
    this.#last = now;
    for (const entry of this.#entries.values()) {
      if (entry.ran) entry.unsavedMs += step;
      entry.ran = false;
    }
    for (const { names, state } of this.#host.running.all()) {
      if (state === 'running') this.#entryOf(names.vmx).ran = true;
    }
  }

  #entryOf(vmx: string): Entry {
    const entry = this.#entries.get(vmx) ?? { unsavedMs: 0, ran: false, retryAt: 0, failures: 0 };
    this.#entries.set(vmx, entry);
    return entry;
  }

  /** Does what is to be done now, one machine after the other. While an earlier call still works, only the time is counted. */
  async tick(): Promise<void> {
    this.account();
    if (this.#ticking) return;
    this.#ticking = true;
    try {
      for (const [vmx, entry] of this.#entries) {
        if (this.#stop.signal.aborted) return;
        await this.#visit(vmx, entry);
      }
    } finally {
      this.#ticking = false;
    }
  }

  /** No snapshot is begun any more; one that is under way is given up. */
  stop(): void {
    this.#stop.abort();
  }

  async #visit(vmx: string, entry: Entry): Promise<void> {
    const bundle = await this.#host.bundles.read(vmx);
    const waits = entry.failures > 0 && this.#clock.monotonic() < entry.retryAt;
    if (bundle.content) {
      try {
        const worked = await this.#lookAfter(bundle, entry, waits);
        if (worked && !waits) entry.failures = 0;
      } catch (error) {
        if (!waits) await this.#failed(bundle, entry, error);
      }
    }
    const gone = this.#host.running.get(vmx) === undefined;
    if (gone && (entry.unsavedMs < 1000 || !bundle.content)) this.#entries.delete(vmx);
  }

  /** What could not be done is told, and tried again later, less and less often; a machine that is busy at the next tick. */
  async #failed(bundle: Bundle, entry: Entry, error: unknown): Promise<void> {
    if (error instanceof KameError && (error.code === 'BUSY' || error.code === 'CANCELLED')) return;
    const wait = Math.min(tickMs * 2 ** entry.failures, maxWaitMs);
    entry.failures = Math.min(entry.failures + 1, 10);
    // A little less, so that it is the tick at that time and not the one after it.
    entry.retryAt = this.#clock.monotonic() + wait - tickMs / 2;
    const next = error instanceof KameError ? ` ${error.next}` : '';
    await tellAutoProtect(this.#host, bundle, `failed: ${messageOf(error)}${next}`);
  }

  /**
   * Holds the machine only when there is something to do. One that waits after a failure has its time written, no more.
   * @returns whether there was something to do
   * @throws KameError BUSY, and what the work throws
   */
  async #lookAfter(bundle: Bundle, entry: Entry, waits: boolean): Promise<boolean> {
    const tree = (await hasSnapshotFile(bundle.names)) ? (await readSnapshotFile(bundle.names)).tree : null;
    if (!tree || tree.rollingTiers.length === 0) {
      entry.unsavedMs = 0;
      return false;
    }
    const machine = this.#host.running.get(bundle.names.vmx);
    const acts = machine?.state === 'running' && !waits;
    const mustAct = acts && (due(tick(tree, entry.unsavedMs / 1000)) !== null || expired(tree).length > 0);
    if (!mustAct && entry.unsavedMs < (machine ? saveAfterMs : 1000)) return false;
    await hold(this.#host, bundle, 'snapshot', async (held) => {
      await this.#save(held.bundle, entry);
      if (acts) await this.#act(held.bundle);
    });
    return true;
  }

  async #save(bundle: Bundle, entry: Entry): Promise<void> {
    contentOf(bundle);
    const seconds = Math.floor(entry.unsavedMs / 1000);
    await saveTime(bundle, seconds);
    entry.unsavedMs -= seconds * 1000;
  }

  async #act(bundle: Bundle): Promise<void> {
    if (this.#host.running.get(bundle.names.vmx)?.state !== 'running') return;
    const progress = silentProgress(this.#stop.signal);
    await takeDue(this.#host, bundle, this.#clock.date(), progress);
    await deleteExpired(this.#host, bundle, progress);
  }
}

/** Runs AutoProtect for all machines of a host until it is disposed of. */
export function startAutoProtect(host: Host, clock: Clock = hostClock): Disposable {
  const autoProtect = new AutoProtectClock(host, clock);
  const listener = host.events.listen(({ type }) => {
    if (type === 'machine.state') autoProtect.account();
  });
  host.hooks.unsavedRunMs = (vmx) => autoProtect.unsavedMs(vmx);
  const timer = setInterval(() => {
    autoProtect.tick().catch((error: unknown) => {
      host.log('AutoProtect failed', { reason: messageOf(error) });
    });
  }, tickMs);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      listener[Symbol.dispose]();
      autoProtect.stop();
    },
  };
}
