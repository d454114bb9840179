/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Makes a promise that is settled from outside; the first call settles it, later ones do nothing. The same as
 * Promise.withResolvers, which Node 20 does not have.
 */
export function deferred<T = void>(): Deferred<T> {
  // The constructor of a promise calls its function at once, so these two are replaced before anyone sees them.
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
