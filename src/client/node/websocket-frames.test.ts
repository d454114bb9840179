import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, frameHead, opcodes, type Frame } from './websocket-frames.ts';

/** A frame as a server sends it: without a mask. */
function sent({ opcode, last, payload }: Frame): Buffer {
  const masked = frameHead(opcode, payload.length);
  const head = Buffer.from(masked.subarray(0, -4));
  head.writeUInt8(head.readUInt8(1) & 0x7f, 1);
  if (!last) head.writeUInt8(head.readUInt8(0) & 0x7f, 0);
  return Buffer.concat([head, payload]);
}

function read(chunks: readonly Buffer[], maxBytes = 1_000_000): Frame[] {
  const reader = new FrameReader(maxBytes);
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

/** Comparing buffers takes long. */
function asText(frames: readonly Frame[]): string[] {
  return frames.map(({ opcode, last, payload }) => `${opcode} ${last} ${payload.toString('latin1')}`);
}

const frame = fc.record({
  opcode: fc.constantFrom(opcodes.continuation, opcodes.text, opcodes.bytes),
  last: fc.boolean(),
  payload: fc
    .oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000))
    .map((length) => Buffer.alloc(length, length)),
});

describe('frames', () => {
  it('are found wherever the connection cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.array(fc.nat(80_000), { maxLength: 8 }),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(sent));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted(
            (a, b) => a - b,
          );
          const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
          expect(asText(read(chunks))).toEqual(asText(frames));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are found byte by byte', () => {
    const frames = [125, 126, 400].map((length) => ({
      opcode: 2,
      last: true,
      payload: Buffer.alloc(length, 7),
    }));
    const bytes = Buffer.concat(frames.map(sent));
    expect(read(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(frames);
  });

  it.each<[string, number[]]>([
    ['with a mask', [0x82, 0x81, 0, 0, 0, 0, 1]],
    ['with a bit of an extension', [0xc2, 0x01, 1]],
    ['about the connection that goes on', [0x09, 0x00]],
    ['about the connection with 126 bytes', [0x89, 126, 0, 126]],
    ['that is too large', [0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0]],
    ['of more bytes than there are', [0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])('%s are refused', (_, bytes) => {
    expect(() => read([Buffer.from(bytes)])).toThrow('malformed WebSocket frame');
  });
});
