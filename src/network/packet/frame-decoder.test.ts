import { array, assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framed } from '../../../test/support/frames.ts';
import { FrameDecoder } from './frame-decoder.ts';

interface Decoded {
  readonly frames: string[];
  readonly oversize: number;
  readonly isReadable: boolean;
  /** How many frames were not positions in the chunk itself. */
  readonly copied: number;
}

function decode(chunks: readonly Buffer[], maxFrame: number): Decoded {
  const decoder = new FrameDecoder(maxFrame);
  const frames: string[] = [];
  let [oversize, copied, isReadable] = [0, 0, true];
  for (const chunk of chunks) {
    isReadable &&= decoder.push(chunk, {
      frame: (buffer, start, end) => {
        frames.push(buffer.toString('hex', start + 4, end));
        if (buffer !== chunk) copied += 1;
      },
      oversize: () => (oversize += 1),
    });
  }
  return { frames, oversize, isReadable, copied };
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

describe('a stream of frames', () => {
  it('gives the same frames however it is split, without those that are too long', () => {
    assert(
      property(
        array(uint8Array({ maxLength: 60 })),
        array(integer({ min: 0, max: 5000 })),
        (frames, cuts) => {
          const stream = Buffer.concat(frames.map((frame) => framed(Buffer.from(frame))));
          const fitting = frames.filter(({ length }) => length <= 40);
          const { oversize, isReadable, frames: found } = decode(split(stream, cuts), 40);
          expect(found).toEqual(fitting.map((frame) => Buffer.from(frame).toString('hex')));
          expect([oversize, isReadable]).toEqual([frames.length - fitting.length, true]);
        },
      ),
    );
  });

  it('copies only a frame that is split over two chunks', () => {
    const stream = Buffer.concat(['aa', 'bbbb', 'cccccc'].map((hex) => framed(Buffer.from(hex, 'hex'))));
    expect(decode([stream], 100).copied).toBe(0);
    expect(decode([stream.subarray(0, 9), stream.subarray(9)], 100)).toMatchObject({ copied: 1 });
  });

  it('can no longer be read once a length is larger than any engine sends', () => {
    expect(decode([Buffer.from('00012001', 'hex')], 1514)).toMatchObject({ isReadable: false, oversize: 0 });
    expect(decode(split(Buffer.from('ffffffff00', 'hex'), [2]), 1514).isReadable).toBe(false);
  });

  it('starts over with a new connection', () => {
    const decoder = new FrameDecoder(100);
    const found: string[] = [];
    const sink = {
      frame: (buffer: Buffer, start: number, end: number) =>
        found.push(buffer.toString('hex', start + 4, end)),
      oversize: () => undefined,
    };
    decoder.push(Buffer.from('00000010aabb', 'hex'), sink);
    decoder.reset();
    decoder.push(framed(Buffer.from('cc', 'hex')), sink);
    expect(found).toEqual(['cc']);
  });
});
