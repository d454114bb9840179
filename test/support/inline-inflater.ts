import { inflateBatch, type Inflater } from '../../src/sys/inflate-threads.ts';

/** Decompresses without threads, which cannot load TypeScript in the test runner. */
export const inlineInflater: Inflater = {
  inflate: async (batch) => await Promise.resolve(inflateBatch(batch)),
  [Symbol.dispose]: () => undefined,
};
