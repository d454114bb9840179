import { useSyncExternalStore } from 'react';

/** Something that was done, in the words of the page, and how to undo it. */
export interface Undoable {
  readonly said: string;
  readonly undo: () => Promise<unknown>;
}

/** The last thing that can be undone; what came before it no longer can. */
class UndoOffer {
  #offer: Undoable | undefined;
  readonly #listeners = new Set<() => void>();

  readonly make = (offer: Undoable | undefined): void => {
    this.#offer = offer;
    for (const listener of this.#listeners) listener();
  };

  readonly listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly offer = (): Undoable | undefined => this.#offer;
}

export const undoOffer = new UndoOffer();

export function useUndoOffer(): Undoable | undefined {
  return useSyncExternalStore(undoOffer.listen, undoOffer.offer);
}
