import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packed, words } from '../../../test/support/fake-vdagent.ts';
import { KameError } from '../../core/errors.ts';
import { MessageReader } from './message-reader.ts';
import type { Message } from './messages.ts';

/** A reader that keeps messages of up to 100 bytes. */
function reader() {
  const messages: Message[] = [];
  const dropped: [type: number, size: number][] = [];
  const made = new MessageReader({
    limitOf: () => 100,
    onMessage: (message) => messages.push(message),
    onDropped: (type, size) => dropped.push([type, size]),
  });
  return { push: (data: Buffer) => made.push(data), messages, dropped };
}

/** The same message in chunks of these sizes. */
function cut(type: number, data: Buffer, sizes: readonly number[]): Buffer {
  const whole = Buffer.concat([words(1, type, 0, 0, data.length), data]);
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, whole.length]) {
    const part = whole.subarray(at, at + size);
    if (part.length > 0) chunks.push(words(1, part.length), part);
    at += part.length;
  }
  return Buffer.concat(chunks);
}

describe('MessageReader', () => {
  const data = Buffer.from('content of a message');

  it('takes messages out of the stream, wherever it is cut', () => {
    const stream = Buffer.concat([packed(4, data), packed(9, Buffer.alloc(0)), cut(7, data, [3, 17, 1, 5])]);
    for (let at = 0; at <= stream.length; at += 1) {
      const { push, messages } = reader();
      push(stream.subarray(0, at));
      push(stream.subarray(at));
      expect(messages.map(({ type }) => type)).toEqual([4, 9, 7]);
      expect(messages[2]?.data.equals(data)).toBe(true);
    }
    const { push, messages } = reader();
    for (const byte of stream) push(Buffer.from([byte]));
    expect(messages).toHaveLength(3);
  });

  it('joins the chunks of a message, however they were made', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 10 }),
        (bytes, sizes) => {
          const { push, messages } = reader();
          push(cut(4, Buffer.from(bytes), sizes));
          expect(messages).toEqual([{ type: 4, data: Buffer.from(bytes) }]);
        },
      ),
    );
  });

  it('drops a message that is too long, and reads the next one', () => {
    const { push, messages, dropped } = reader();
    push(packed(4, Buffer.alloc(101)));
    push(packed(9, data));
    expect(dropped).toEqual([[4, 101]]);
    expect(messages).toEqual([{ type: 9, data }]);
  });

  it('takes no memory for what was only announced', () => {
    const { push, messages, dropped } = reader();
    push(Buffer.concat([words(1, 0xff_ff_ff_ff), words(1, 4, 0, 0, 0xff_ff_ff_00)]));
    push(Buffer.alloc(1024 * 1024));
    expect([messages, dropped]).toEqual([[], []]);
  });

  it('skips chunks for the server, and empty ones', () => {
    const { push, messages } = reader();
    push(Buffer.concat([packed(1, data, 2), words(1, 0), packed(9, data)]));
    expect(messages).toEqual([{ type: 9, data }]);
  });

  it.each([
    ['a port that there is not', Buffer.concat([words(7, 4), data])],
    ['another version', Buffer.concat([words(1, 20), words(2, 4, 0, 0, 0)])],
    ['a chunk that is longer than its message', Buffer.concat([words(1, 25), words(1, 4, 0, 0, 2), data])],
    [
      'a chunk that is longer than an empty message',
      Buffer.concat([words(1, 21), words(1, 4, 0, 0, 0), data]),
    ],
  ])('refuses %s', (_what, stream) => {
    expect(() => reader().push(stream)).toThrow(KameError);
  });

  it('throws nothing but KameErrors on any input, and keeps nothing of it beyond the limit', () => {
    const start = packed(4, data);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(start.length),
        fc.nat(255),
        (bytes, at, value) => {
          const damaged = Buffer.concat([start, Buffer.from(bytes)]);
          damaged[at] = value;
          const { push, messages } = reader();
          try {
            push(damaged);
          } catch (error) {
            if (!(error instanceof KameError)) throw error;
          }
          expect(messages.every((message) => message.data.length <= 100)).toBe(true);
        },
      ),
    );
  });
});
