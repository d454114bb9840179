/** A map that tells when it gets its first entry, and when it has lost its last one. */
export class WatchedMap<K, V> extends Map<K, V> {
  readonly #watchers = new Set<(isEmpty: boolean) => void>();

  override set(key: K, value: V): this {
    super.set(key, value);
    if (this.size === 1) this.#tell();
    return this;
  }

  override delete(key: K): boolean {
    const deleted = super.delete(key);
    if (deleted && this.size === 0) this.#tell();
    return deleted;
  }

  override clear(): void {
    super.clear();
    this.#tell();
  }

  /** Calls the watcher now and then after each change, perhaps also without one, until the result is disposed. */
  watch(watcher: (isEmpty: boolean) => void): Disposable {
    this.#watchers.add(watcher);
    watcher(this.size === 0);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher(this.size === 0);
  }
}

/**
 * Calls `tick` at intervals while a map has entries; while it is empty, nothing wakes up. The process may end meanwhile.
 * @param begin called when the map gets its first entry
 */
export function tickWhileFilled(
  map: WatchedMap<unknown, unknown>,
  everyMs: number,
  tick: () => void,
  begin: () => void = () => undefined,
): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const watch = map.watch((isEmpty) => {
    if (isEmpty) stop();
    else if (!timer) {
      begin();
      timer = setInterval(tick, everyMs).unref();
    }
  });
  return {
    [Symbol.dispose]: () => {
      watch[Symbol.dispose]();
      stop();
    },
  };
}
