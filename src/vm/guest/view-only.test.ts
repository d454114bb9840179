import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ViewOnly } from './view-only.ts';

const bytes = (...values: number[]) => Buffer.from(values);
const hello = Buffer.from('RFB 003.008\n\u0001\u0000', 'latin1');
const encodings = (...all: number[]) => {
  const message = Buffer.alloc(4 + 4 * all.length);
  message.writeUInt8(2, 0);
  message.writeUInt16BE(all.length, 2);
  for (const [index, encoding] of all.entries()) message.writeInt32BE(encoding, 4 + 4 * index);
  return message;
};
const pixelFormat = Buffer.concat([bytes(0, 0, 0, 0), Buffer.alloc(16, 1)]);
const update = bytes(3, 1, 0, 0, 0, 0, 1, 0, 1, 0);
const cutText = (length: number) => {
  const head = Buffer.alloc(8);
  head.writeUInt8(6, 0);
  head.writeInt32BE(length, 4);
  return Buffer.concat([head, Buffer.alloc(Math.abs(length), 3)]);
};

/** Messages that change something in the guest, each of the length that its type has. */
const dropped = {
  'a key': bytes(4, 1, 0, 0, 0, 0, 0, 0x61),
  'the pointer': bytes(5, 1, 0, 9, 0, 9),
  'the clipboard': cutText(70_000),
  'an empty clipboard': cutText(0),
  'the extended clipboard': cutText(-300),
  'a key by its place': bytes(255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 30),
  'sound on': bytes(255, 1, 0, 0),
  'the format of the sound': bytes(255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44),
  'a size of the screen': Buffer.concat([bytes(251, 0, 4, 0, 3, 0, 2, 0), Buffer.alloc(32, 7)]),
  'continuous updates': bytes(150, 1, 0, 0, 0, 0, 0, 9, 0, 9),
  'a fence': bytes(248, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3),
  'a reboot': bytes(250, 0, 1, 2),
};

/** What is passed on of something that comes in pieces. */
function passed(data: Buffer, pieces: readonly number[] = []): string {
  const filter = new ViewOnly();
  const parts: Buffer[] = [];
  let at = 0;
  for (const length of [...pieces, data.length]) {
    parts.push(filter.take(data.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(parts).toString('hex');
}

it.each(Object.entries(dropped))('leaves out %s, and what follows passes', (_what, message) => {
  const shared = Buffer.from('RFB 003.008\n\u0001\u0001', 'latin1');
  expect(passed(Buffer.concat([hello, message, update, message, update]))).toBe(
    Buffer.concat([shared, update, update]).toString('hex'),
  );
});

it('passes on the formats of pictures and requests for them, however the bytes are cut', () => {
  const wanted = Buffer.concat([pixelFormat, encodings(7, -223), update]);
  const all = Buffer.concat([hello, pixelFormat, ...Object.values(dropped), encodings(7, -223), update]);
  const expected = passed(Buffer.concat([hello, wanted]));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }), (pieces) => {
      expect(passed(all, pieces)).toBe(expected);
    }),
    { numRuns: 50 },
  );
});

it('never ends the connections of others, whatever a viewer says of sharing', () => {
  expect(passed(hello).endsWith('0101')).toBe(true);
});

it('takes out the encodings that carry a clipboard or longer messages of the pointer', () => {
  expect(passed(Buffer.concat([hello, encodings(7, 0xc0a1e5ce | 0, -316, -223)]))).toBe(
    passed(Buffer.concat([hello, encodings(7, -223)])),
  );
});

it.each([
  ['another version', Buffer.from('RFB 003.003\n', 'latin1')],
  ['a password', Buffer.from('RFB 003.008\n\u0002', 'latin1')],
  ['a message that nobody knows', Buffer.concat([hello, bytes(99)])],
  ['a message of QEMU that nobody knows', Buffer.concat([hello, bytes(255, 9)])],
  ['too many encodings', Buffer.concat([hello, bytes(2, 0, 0xff, 0xff)])],
])('refuses %s', (_what, data) => {
  expect(() => passed(data)).toThrow('which Kame does not know');
});
