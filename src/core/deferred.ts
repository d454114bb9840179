/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Makes a promise that is settled from outside. The first call settles it, later calls do nothing. This is
 * Promise.withResolvers, which Node 20 does not have.
 */
export function deferred<T = void>(): Deferred<T> {
  // The Promise constructor calls its function immediately, so both are replaced before they can be used.
  let resolve: Deferred<T>['resolve'] = () => undefined;
  let reject: Deferred<T>['reject'] = () => undefined;
  const promise = new Promise<T>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
