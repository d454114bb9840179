import { Store } from './store.ts';

/** Something that was done, in the words of the page, and how to undo it. */
export interface Undoable {
  readonly said: string;
  readonly undo: () => Promise<unknown>;
}

/** The last thing that can be undone; what came before it no longer can. */
export const undoOffer = new Store<Undoable | undefined>(undefined);
