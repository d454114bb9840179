/** An invariant does not hold. Its text says which and how it was seen. */
export class Violation extends Error {
  /** What must hold, in a word: the same bug has the same one, mostly. */
  readonly invariant: string;

  constructor(invariant: string, text: string, options?: ErrorOptions) {
    super(`${invariant}: ${text}`, options);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}
