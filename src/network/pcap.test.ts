import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PcapSplitter } from './pcap.ts';

function fileHeader(big = false): Buffer {
  const header = Buffer.alloc(24);
  if (big) header.writeUInt32BE(0xa1b2c3d4);
  else header.writeUInt32LE(0xa1b2c3d4);
  return header;
}

function frame(length: number, big = false): Buffer {
  const header = Buffer.alloc(16);
  if (big) header.writeUInt32BE(length, 8);
  else header.writeUInt32LE(length, 8);
  return Buffer.concat([header, Buffer.alloc(length, length & 0xff)]);
}

describe('PcapSplitter', () => {
  it('yields the header and whole frames, however the file is split', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        sizes,
        fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
        fc.boolean(),
        (lengths, cuts, big) => {
          const whole = [fileHeader(big), ...lengths.map((length) => frame(length, big))];
          let rest = Buffer.concat(whole);
          const splitter = new PcapSplitter();
          const parts: Buffer[] = [];
          while (rest.length > 0) {
            const cut = cuts.next().value ?? 1;
            parts.push(...splitter.push(rest.subarray(0, cut)).map((part) => Buffer.from(part)));
            rest = rest.subarray(cut);
          }
          expect(parts).toEqual(whole);
        },
      ),
    );
  });

  it('refuses what is not a pcap file, and a frame that is too long for one', () => {
    expect(() => new PcapSplitter().push(Buffer.alloc(24))).toThrow('not a pcap file');
    const long = Buffer.alloc(16);
    long.writeUInt32LE(1_000_000, 8);
    expect(() => new PcapSplitter().push(Buffer.concat([fileHeader(), long]))).toThrow('1000000 bytes');
  });
});
