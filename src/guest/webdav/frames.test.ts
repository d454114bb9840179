import { describe, expect, it } from 'vitest';
import { encodeEnd, encodeFrames, FrameReader, maxFrameBytes } from './frames.ts';

function read(reader: FrameReader, bytes: Buffer): [bigint, string][] {
  return [...reader.push(bytes)].map(({ client, data }) => [client, data.toString('latin1')]);
}

describe('frames of the port for shared folders', () => {
  it('are read in whatever pieces they come', () => {
    const bytes = Buffer.concat([
      encodeFrames(-5n, Buffer.from('one')),
      encodeEnd(7n),
      encodeFrames(7n, Buffer.from('two')),
    ]);
    const expected = [
      [-5n, 'one'],
      [7n, ''],
      [7n, 'two'],
    ];
    expect(read(new FrameReader(), bytes)).toEqual(expected);
    const reader = new FrameReader();
    expect([...bytes].flatMap((byte) => read(reader, Buffer.from([byte])))).toEqual(expected);
  });

  it('carry what is longer than one in several', () => {
    const data = Buffer.alloc(2 * maxFrameBytes + 5, 'x');
    const frames = read(new FrameReader(), encodeFrames(1n, data));
    expect(frames.map(([, text]) => text.length)).toEqual([maxFrameBytes, maxFrameBytes, 5]);
  });

  it('have the layout of spice-webdavd', () => {
    expect(encodeFrames(0x0102n, Buffer.from('ab')).toString('hex')).toBe('020100000000000002006162');
  });
});
