/**
 * Works on up to `width` items at the same time, and yields the results in the order of the items. The first failure ends it,
 * once the work that was begun has settled.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  const pending: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // The results are awaited in order below; an earlier failure must not count as unhandled.
      result.catch(() => undefined);
      pending.push(result);
      const first = pending.length >= width ? pending.shift() : undefined;
      if (first) yield await first;
    }
    for (let first = pending.shift(); first; first = pending.shift()) yield await first;
  } finally {
    await Promise.allSettled(pending);
  }
}
