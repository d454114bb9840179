import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

describe('a byte queue', () => {
  it('gives back what was put in, in order, and is then empty', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 40 });
    fc.assert(
      fc.property(chunks, chunks, (first, second) => {
        const queue = new ByteQueue();
        for (const pieces of [first, second]) {
          const whole = Buffer.concat(pieces);
          for (const piece of pieces) queue.push(Buffer.from(piece));
          expect(queue.length).toBe(whole.length);
          expect(queue.take().equals(whole)).toBe(true);
          expect(queue.length).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes large pieces between small ones', () => {
    const queue = new ByteQueue();
    const pieces = [1, 200_000, 3, 70_000, 65_536, 1].map((size, at) => Buffer.alloc(size, at + 1));
    for (const piece of pieces) queue.push(piece);
    expect(queue.take().equals(Buffer.concat(pieces))).toBe(true);
  });
});
