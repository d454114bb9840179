import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

function taken(bucket: TokenBucket, now: number): number {
  let count = 0;
  while (bucket.take(now)) count += 1;
  return count;
}

it('a bucket lets through a burst, and then its rate', () => {
  const bucket = new TokenBucket(100, 20, 0);
  expect(taken(bucket, 0)).toBe(20);
  expect(taken(bucket, 50)).toBe(5);
  expect(taken(bucket, 10)).toBe(0);
  expect(taken(bucket, 100_000)).toBe(20);
});
