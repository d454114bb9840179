import { deferred } from './deferred.ts';

/** The next of an iterator; the signal's reason as soon as it fires, for the next one may never come. */
async function nextUnlessAborted<T>(
  source: AsyncIterator<T>,
  signal: AbortSignal,
): Promise<IteratorResult<T>> {
  signal.throwIfAborted();
  // One for each turn: a promise that settles last keeps all that it was ever raced against.
  const turn = deferred<IteratorResult<T>>();
  const stop = () => turn.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    source.next().then(turn.resolve, turn.reject);
    return await turn.promise;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The same items until the signal fires, which throws its reason at once: the source may never give another one. */
export async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const source = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await nextUnlessAborted(source, signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not waited for: it comes after the item that may never come.
    void source.return?.().then(undefined, () => undefined);
  }
}
