/** Waits until all promises have settled, even if one fails early, then throws the first failure in the order given. */
export async function allDone<T extends readonly unknown[]>(works: {
  readonly [K in keyof T]: Promise<T[K]> | T[K];
}): Promise<T> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
