import { KameError, messageOf } from '../../core/errors.ts';
import type { Host } from '../host/host.ts';
import { stateOf } from '../host/state.ts';
import { tickWhileFilled } from '../host/watched-map.ts';
import { takeOver } from './adopt.ts';

/** Milliseconds between two looks at what is due. */
const tickMs = 1000;
/** The delay before the next attempt doubles each time, from the first to the last. */
const firstWaitMs = 1000;
const lastWaitMs = 60_000;

interface Attempts {
  failures: number;
  /** No attempt before this time of the clock. */
  dueAt: number;
}

/** Tries again to adopt the machines whose engines did not answer, until each engine answers or has ended. */
export class AdoptionRetry {
  readonly #host: Host;
  readonly #now: () => number;
  readonly #attempts = new Map<string, Attempts>();
  readonly #stop = new AbortController();
  #ticking: Promise<void> | undefined;

  /** @param now milliseconds of a clock that never goes back */
  constructor(host: Host, now: () => number = () => performance.now()) {
    this.#host = host;
    this.#now = now;
  }

  /** Attempts what is due. While an earlier call is in progress, waits for that one. */
  async tick(): Promise<void> {
    this.#ticking ??= this.#tryAll().finally(() => (this.#ticking = undefined));
    await this.#ticking;
  }

  /** Forgets which attempts have failed. */
  reset(): void {
    this.#attempts.clear();
  }

  /** Makes no more attempts, and waits for the end of one in progress. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ticking;
  }

  async #tryAll(): Promise<void> {
    const { unreachable } = this.#host;
    for (const vmx of this.#attempts.keys()) if (!unreachable.has(vmx)) this.#attempts.delete(vmx);
    for (const vmx of [...unreachable.keys()]) {
      if (this.#stop.signal.aborted) return;
      const attempts = this.#attempts.get(vmx) ?? { failures: 0, dueAt: this.#now() + firstWaitMs };
      this.#attempts.set(vmx, attempts);
      if (this.#now() < attempts.dueAt) continue;
      try {
        await this.#try(vmx);
      } catch (error) {
        this.#host.log('Could not try to adopt a machine', { path: vmx, reason: messageOf(error) });
      }
      attempts.failures = Math.min(attempts.failures + 1, 10);
      attempts.dueAt = this.#now() + Math.min(firstWaitMs * 2 ** attempts.failures, lastWaitMs);
    }
  }

  async #try(vmx: string): Promise<void> {
    const { bundles, operations, running, unreachable } = this.#host;
    const bundle = await bundles.read(vmx);
    try {
      await operations.exclusive({ key: vmx, machine: bundle.name, verb: 'adopt' }, async () => {
        if (!running.get(vmx) && unreachable.has(vmx)) await takeOver(this.#host, bundle, this.#stop.signal);
        else unreachable.delete(vmx);
      });
    } catch (error) {
      // Something else works on the machine now: the next attempt is soon enough.
      if (error instanceof KameError && error.code === 'BUSY') return;
      throw error;
    }
    if (unreachable.has(vmx)) return;
    const state = stateOf(this.#host, bundle);
    const message = running.get(vmx)
      ? `The engine of ${bundle.name} answers again: it is ${state}.`
      : `${bundle.name} has stopped: its engine has ended.`;
    const id = bundle.content?.model.uuid ?? null;
    this.#host.events.emit({ type: 'machine.state', machine: bundle.name, id, state, message });
  }
}

/** Keeps trying to adopt unreachable machines until it is disposed, which waits for an attempt in progress. */
export function startAdoptionRetry(host: Host): AsyncDisposable {
  const retry = new AdoptionRetry(host);
  const tick = () => void retry.tick();
  const ticking = tickWhileFilled(host.unreachable, tickMs, tick, () => retry.reset());
  return {
    async [Symbol.asyncDispose]() {
      ticking[Symbol.dispose]();
      await retry.stop();
    },
  };
}
