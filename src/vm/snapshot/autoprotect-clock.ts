import { KameError, messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { contentOf, type Bundle } from '../../store/bundle.ts';
import { hasSnapshotFile, readSnapshotFile } from '../../store/snapshot-file.ts';
import { due, expired, tick } from '../../vmx/autoprotect.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import { deleteExpired, saveTime, takeDue, emitAutoProtect } from './autoprotect-run.ts';

/** The time source of AutoProtect; tests provide their own. */
export interface Clock {
  /** Milliseconds that never go back, even if the host’s date changes. */
  readonly monotonic: () => number;
  /** For labels. */
  readonly date: () => Date;
}

const hostClock: Clock = { monotonic: () => performance.now(), date: () => new Date() };

/** Milliseconds between two checks. */
export const tickMs = 60_000;
/** The most that one step of the clock counts: while the host slept, its machines did not run. */
const maxStepMs = 2 * tickMs;
/** Running time is saved at this interval, so this much is lost at most when the daemon is killed. */
const saveAfterMs = 5 * 60_000;
/** The delay after a failure doubles each time, up to this. */
const maxWaitMs = 30 * tickMs;

/** The AutoProtect state of a machine since this daemon first found it running. */
interface Entry {
  /** Running time that its `.vmsd` does not include yet. */
  unsavedMs: number;
  /** Whether it ran when the clock was last read. */
  ran: boolean;
  /** No retry before this time of the monotonic clock. */
  retryAt: number;
  failures: number;
}

/**
 * Counts the running time of machines, and takes and deletes their automatic snapshots. The time of paused, suspended and
 * stopped machines does not count.
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

  /** Milliseconds of running time that the `.vmsd` of a machine does not include yet. */
  unsavedMs(vmx: string): number {
    this.account();
    return this.#entries.get(vmx)?.unsavedMs ?? 0;
  }

  /** Adds the time since the last call to the machines that ran then. Call it whenever a machine starts or stops running. */
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

  /** Handles the machines one after the other. While an earlier call is in progress, only counts the time. */
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

  /** Starts no more snapshots, and cancels one in progress. */
  stop(): void {
    this.#stop.abort();
  }

  async #visit(vmx: string, entry: Entry): Promise<void> {
    const bundle = await this.#host.bundles.read(vmx);
    const isWaiting = entry.failures > 0 && this.#clock.monotonic() < entry.retryAt;
    if (bundle.content) {
      try {
        const worked = await this.#update(bundle, entry, isWaiting);
        if (worked && !isWaiting) entry.failures = 0;
      } catch (error) {
        if (!isWaiting) await this.#failed(bundle, entry, error);
      }
    }
    const gone = this.#host.running.get(vmx) === undefined;
    if (gone && (entry.unsavedMs < 1000 || !bundle.content)) this.#entries.delete(vmx);
  }

  /** Reports a failure and delays the retry, longer each time. A busy machine is retried at the next tick, without a report. */
  async #failed(bundle: Bundle, entry: Entry, error: unknown): Promise<void> {
    if (error instanceof KameError && (error.code === 'BUSY' || error.code === 'CANCELLED')) return;
    const wait = Math.min(tickMs * 2 ** entry.failures, maxWaitMs);
    entry.failures = Math.min(entry.failures + 1, 10);
    // Half a tick less, so that the retry is not missed by the tick at that time.
    entry.retryAt = this.#clock.monotonic() + wait - tickMs / 2;
    const next = error instanceof KameError ? ` ${error.next}` : '';
    await emitAutoProtect(this.#host, bundle, `failed: ${messageOf(error)}${next}`);
  }

  /**
   * Saves the running time, takes and deletes snapshots; holds the machine only when something is due. While a machine waits
   * after a failure, only its running time is saved.
   * @returns whether something was due
   * @throws KameError BUSY, and as takeDue and deleteExpired
   */
  async #update(bundle: Bundle, entry: Entry, isWaiting: boolean): Promise<boolean> {
    const tree = (await hasSnapshotFile(bundle.names)) ? (await readSnapshotFile(bundle.names)).tree : null;
    if (!tree || tree.rollingTiers.length === 0) {
      entry.unsavedMs = 0;
      return false;
    }
    const machine = this.#host.running.get(bundle.names.vmx);
    const canAct = machine?.state === 'running' && !isWaiting;
    const mustAct = canAct && (due(tick(tree, entry.unsavedMs / 1000)) !== null || expired(tree).length > 0);
    if (!mustAct && entry.unsavedMs < (machine ? saveAfterMs : 1000)) return false;
    await hold(this.#host, bundle, 'snapshot', async (held) => {
      await this.#save(held.bundle, entry);
      if (canAct) await this.#act(held.bundle);
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

/** Runs AutoProtect for all machines of a host until it is disposed. */
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
