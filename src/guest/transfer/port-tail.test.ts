import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { PortTail } from './port-tail.ts';

const end = `kame-end 0a0b0c0d 2${' '.repeat(492)}\n`;

it('tells the archive from its end, however it comes', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3000 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }),
      (archive, sizes) => {
        const tail = new PortTail('0a0b0c0d');
        const all = Buffer.concat([archive, Buffer.from(end)]);
        const sure: Buffer[] = [];
        for (let at = 0, turn = 0; at < all.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          expect(tail.status).toBeUndefined();
          sure.push(...tail.push(all.subarray(at, at + size)).map((part) => Buffer.from(part)));
          at += size;
        }
        expect(tail.status).toBe(2);
        expect(Buffer.concat(sure).equals(archive)).toBe(true);
      },
    ),
  );
});

it('does not take the end of another copy for its own', () => {
  const tail = new PortTail('11111111');
  tail.push(Buffer.from(end));
  expect(tail.status).toBeUndefined();
});
