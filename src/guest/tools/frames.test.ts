import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameReader, frameTypes, maxPayload, newNonce, preamble } from './frames.ts';

const nonce = newNonce();

function frame(text: string, type: (typeof frameTypes)[keyof typeof frameTypes] = frameTypes.data): Buffer {
  return encodeFrame(nonce, type, 7, Buffer.from(text));
}

/** The payloads of the frames in a stream that comes in pieces. */
function read(bytes: Buffer, sizes: readonly number[] = []): string[] {
  const reader = new FrameReader(nonce);
  const found: string[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    found.push(...reader.push(bytes.subarray(at, at + size)).map(({ payload }) => payload.toString()));
    at += size;
  }
  return found;
}

describe('FrameReader', () => {
  it('finds frames in whatever pieces they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 200 }), { maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 10 }),
        (texts, sizes) => {
          const bytes = Buffer.concat([preamble(nonce), ...texts.map((text) => frame(text))]);
          expect(read(bytes, sizes)).toEqual(texts);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('skips what was meant for an earlier connection', () => {
    const other = newNonce();
    const old = [preamble(other), encodeFrame(other, frameTypes.data, 7, Buffer.from('old')).subarray(0, 12)];
    expect(read(Buffer.concat([...old, preamble(nonce), frame('new')]))).toEqual(['new']);
  });

  it.each([
    ['a length above the limit', Buffer.concat([Buffer.of(0, 0, 0x80, 0), frame('').subarray(4)])],
    ['an unknown type', Buffer.concat([frame('').subarray(0, 4), Buffer.of(99), frame('').subarray(5)])],
    ['the type 0', Buffer.alloc(13)],
    ['the tag of another connection', encodeFrame(newNonce().fill(9), frameTypes.data, 7, Buffer.from('x'))],
  ])('refuses %s', (_what, bad) => {
    expect(() => read(Buffer.concat([preamble(nonce), bad]))).toThrow(
      expect.objectContaining({ code: 'GUEST_FAILED' }),
    );
  });

  it('takes the largest frame', () => {
    const text = 'x'.repeat(maxPayload);
    expect(read(Buffer.concat([preamble(nonce), frame(text)]), [10_000])).toEqual([text]);
  });
});
