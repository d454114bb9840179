import { describe, expect, it } from 'vitest';
import { writeCpio, type RootEntry } from './cpio.ts';

interface Read {
  name: string;
  mode: number;
  data: string;
  device: [number, number];
}

/** Reads cpio newc back, based only on the description of the format. */
function readCpio(bytes: Buffer): Read[] {
  const entries: Read[] = [];
  for (let at = 0; ;) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number) =>
      Number.parseInt(bytes.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const nameEnd = at + 110 + field(11) - 1;
    const dataAt = Math.ceil((nameEnd + 1) / 4) * 4;
    const name = bytes.toString('utf8', at + 110, nameEnd);
    if (name === 'TRAILER!!!') return entries;
    const data = bytes.toString('latin1', dataAt, dataAt + field(6));
    entries.push({ name, mode: field(1), data, device: [field(9), field(10)] });
    at = Math.ceil((dataAt + field(6)) / 4) * 4;
  }
}

describe('writeCpio', () => {
  it('writes files, directories, links and devices that read back the same', () => {
    const tree = new Map<string, RootEntry>([
      ['dev', { type: 'directory', mode: 0o755 }],
      ['dev/console', { type: 'character-device', mode: 0o600, major: 5, minor: 1 }],
      ['init', { type: 'file', mode: 0o755, data: Buffer.from('#!/bin/sh\n') }],
      ['empty', { type: 'file', mode: 0o600, data: Buffer.alloc(0) }],
      ['bin', { type: 'symlink', target: 'usr/bin' }],
    ]);
    expect(readCpio(writeCpio(tree))).toEqual([
      { name: 'dev', mode: 0o040755, data: '', device: [0, 0] },
      { name: 'dev/console', mode: 0o020600, data: '', device: [5, 1] },
      { name: 'init', mode: 0o100755, data: '#!/bin/sh\n', device: [0, 0] },
      { name: 'empty', mode: 0o100600, data: '', device: [0, 0] },
      { name: 'bin', mode: 0o120777, data: 'usr/bin', device: [0, 0] },
    ]);
  });

  it('is padded for every length of name and content', () => {
    const tree = new Map<string, RootEntry>();
    for (let length = 1; length <= 9; length += 1) {
      tree.set('n'.repeat(length), { type: 'file', mode: 0o644, data: Buffer.alloc(length, 'd') });
    }
    expect(readCpio(writeCpio(tree)).map((entry) => entry.data.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
