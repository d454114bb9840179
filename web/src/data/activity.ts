import { useSyncExternalStore } from 'react';
import { routes } from '../../../src/api/generated/routes.ts';
import type { ActivitySample } from '../../../src/api/generated/shapes.ts';
import { ndjson } from '../../../src/api/protocol.ts';
import { readJsonLines } from '../../../src/client/core/ndjson.ts';
import { events } from './client.ts';

/** Samples that the page keeps: what the daemon remembers, and half an hour of those that follow. */
const maxSamples = 360 + 900;
/** Milliseconds until a broken connection is tried again. */
const againMs = 2000;

/** What machines and the host use, followed while a part of the page shows it. */
class ActivityFeed {
  #samples: readonly ActivitySample[] = [];
  readonly #listeners = new Set<() => void>();
  #ended: AbortController | undefined;

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (!this.#ended) {
      this.#ended = new AbortController();
      void this.#follow(this.#ended.signal);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#ended?.abort();
      this.#ended = undefined;
    };
  };

  readonly samples = (): readonly ActivitySample[] => this.#samples;

  async #follow(signal: AbortSignal): Promise<void> {
    try {
      const { chunks } = await events.send(routes['host.activity'], {}, { accept: ndjson, signal });
      // The daemon sends again what it remembers.
      this.#samples = [];
      for await (const sample of readJsonLines(chunks)) this.#add(sample as ActivitySample);
    } catch {
      // The bar of the page says that the connection is lost.
    }
    if (!signal.aborted) setTimeout(() => !signal.aborted && void this.#follow(signal), againMs);
  }

  #add(sample: ActivitySample): void {
    this.#samples = [...this.#samples, sample].slice(-maxSamples);
    for (const listener of this.#listeners) listener();
  }
}

const feed = new ActivityFeed();

export function useActivity(): readonly ActivitySample[] {
  return useSyncExternalStore(feed.listen, feed.samples);
}
