import { useSyncExternalStore } from 'react';

/** A value outside of all components: it stays when they go. */
export class Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;

  readonly set = (value: T): void => {
    this.#value = value;
    for (const listener of this.#listeners) listener();
  };

  /** Calls `listener` after each change. @returns what ends that */
  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export function useStore<T>({ listen, get }: Store<T>): T {
  return useSyncExternalStore(listen, get);
}
