import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { difference } from '../../../test/support/foreign-disk.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { qemuVhdx } from '../../../test/support/qemu-vhdx.ts';
import { useVhdxFiles } from '../../../test/support/vhdx-files.ts';
import {
  fileOf,
  guidBytes,
  logEntry,
  mebibyte,
  sealed,
  vhdxPieces,
  type LogFields,
} from '../../../test/support/vhdx.ts';

const { at, read, readFile } = useVhdxFiles();
const guid = '01020304-0506-0708-090a-0b0c0d0e0f10';

describe('the log of a VHDX', () => {
  /** Puts entries into the log, one behind the other, and says in both headers that there are some. */
  function withLog(file: Buffer, entries: readonly Omit<LogFields, 'guid'>[], from = 0): Buffer {
    for (const place of [64 * 1024, 128 * 1024]) {
      const header = file.subarray(place, place + 4096);
      guidBytes(guid).copy(header, 48);
      sealed(header, 4096);
    }
    const log = file.subarray(mebibyte, 2 * mebibyte);
    let offset = from;
    for (const fields of entries) {
      const entry = logEntry({ guid, ...fields });
      for (let done = 0; done < entry.length; done += 4096) {
        entry.copy(log, offset, done, done + 4096);
        offset = (offset + 4096) % log.length;
      }
    }
    return file;
  }

  /** Where the block table is. */
  function tableOf(file: Buffer): number {
    const entry = file.indexOf(guidBytes('2dc27766-f623-4200-9d64-115e9bfd4a08'), 192 * 1024);
    return Number(file.readBigUInt64LE(entry + 16));
  }

  /** The first sector of the block table with one entry that is different. */
  function changedTable(file: Buffer, index: number, entry: bigint): Buffer {
    const sector = Buffer.from(file.subarray(tableOf(file), tableOf(file) + 4096));
    sector.writeBigUInt64LE(entry, index * 8);
    return sector;
  }

  it('is replayed in memory as QEMU replays it', async () => {
    const { path } = qemuVhdx(at(), ['block_size=1M', 'log_size=1M']);
    const file = readFileSync(path);
    const tableAt = tableOf(file);
    const entries = [
      // Old, and not in the sequence that counts.
      { sequence: 4, tail: mebibyte - 12_288, writes: [{ at: tableAt, sector: changedTable(file, 0, 2n) }] },
      { sequence: 7, tail: mebibyte - 4096, writes: [{ at: 6 * mebibyte, zeros: 8192 }] },
      {
        sequence: 8,
        tail: mebibyte - 4096,
        writes: [
          { at: tableAt, sector: changedTable(file, 3, 2n) },
          { at: 6 * mebibyte + 4096, sector: Buffer.alloc(4096, 'k') },
        ],
      },
    ].map((fields) => ({ fileBytes: file.length, ...fields }));
    writeFileSync(path, withLog(file, entries, mebibyte - 12_288));
    const before = readFileSync(path);
    const found = await read(path);
    expect(difference(readFileSync(path), before)).toBe('');
    copyFileSync(path, at('copy.vhdx'));
    qemuImg('check', '-r', 'all', '-f', 'vhdx', at('copy.vhdx'));
    qemuImg('convert', '-f', 'vhdx', '-O', 'raw', at('copy.vhdx'), at('back'));
    expect(difference(found, readFileSync(at('back')))).toBe('');
    expect(difference(found.slice(3 * mebibyte, 4 * mebibyte), Buffer.alloc(mebibyte))).toBe('');
  });

  const usual = { sequence: 1, tail: 0, fileBytes: 4 * mebibyte, writes: [] };

  it.each<[string, Partial<LogFields>, RegExp]>([
    ['whose tail is missing', { tail: 8192 }, /its log, .* is damaged/],
    ['without a valid number', { sequence: 0 }, /its log, .* is damaged/],
    [
      'that writes beyond any VHDX',
      { writes: [{ at: 2 ** 50, zeros: 4096 }] },
      /entry 1 of its log is invalid/,
    ],
    ['that writes between sectors', { writes: [{ at: 100, zeros: 4096 }] }, /entry 1 of its log is invalid/],
    ['of a file that was longer', { fileBytes: 2 ** 30 }, /truncated: its log says/],
  ])('%s is refused', async (_what, fields, message) => {
    const file = withLog(fileOf(vhdxPieces()), [{ ...usual, ...fields }]);
    expect(await readFile(file)).toMatch(message);
  });

  it('with a damaged sector is refused', async () => {
    const sector = Buffer.alloc(4096);
    const file = withLog(fileOf(vhdxPieces()), [{ ...usual, writes: [{ at: 4 * mebibyte, sector }] }]);
    file.writeUInt8(1, mebibyte + 4096 + 100);
    expect(await readFile(file)).toMatch(/its log, .* is damaged/);
  });

  it('whose entries overlap each other is refused before much is computed', async () => {
    const file = withLog(fileOf(vhdxPieces()), []);
    const entry = logEntry({ guid, ...usual });
    entry.writeUInt32LE(mebibyte, 8);
    for (let place = 0; place < mebibyte; place += 4096) entry.copy(file, mebibyte + place);
    expect(await readFile(file)).toMatch(/the entries of its log overlap/);
  });

  it('that is very large, or of another version, is refused', async () => {
    const logBytes = 64 * mebibyte;
    const headers = [{ sequence: 1, logGuid: guid, logBytes }];
    expect(await readFile(fileOf(vhdxPieces({ headers })))).toMatch(/too large to be replayed/);
  });
});
