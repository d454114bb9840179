import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { check, convert, createQcow2, info, resize } from './qemu-img.ts';

let directory = '';
let path = '';
const mebibyte = 1024 * 1024;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kame-qemu-img-'));
  path = join(directory, 'a, b=c.qcow2');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('qemu-img', () => {
  it('creates, grows and describes a qcow2, whatever its name', async () => {
    await createQcow2({ path, sizeBytes: 64 * mebibyte });
    await resize({ path, format: 'qcow2', sizeBytes: 128 * mebibyte });
    expect(await info({ path, format: 'qcow2' })).toMatchObject({
      format: 'qcow2',
      virtualSize: 128 * mebibyte,
      dirty: false,
    });
    expect(await check({ path })).toEqual({ ok: true, corruptions: 0, leaks: 0, checkErrors: 0 });
  });

  it('never replaces or shrinks an image', async () => {
    await createQcow2({ path, sizeBytes: 64 * mebibyte });
    const before = readFileSync(path);
    await expect(createQcow2({ path, sizeBytes: mebibyte })).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    const shrink = resize({ path, format: 'qcow2', sizeBytes: mebibyte });
    await expect(shrink).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 50])('refuses to make a disk of %d bytes', async (sizeBytes) => {
    await expect(createQcow2({ path, sizeBytes })).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('detects damaged tables', async () => {
    const raw = join(directory, 'x.raw');
    writeFileSync(raw, Buffer.alloc(4 * mebibyte, 'x'));
    await convert({ source: raw, sourceFormat: 'raw', target: path, targetFormat: 'qcow2' });
    const bytes = readFileSync(path);
    // An empty first refcount block: nothing is marked as used.
    const table = Number(bytes.readBigUInt64BE(48));
    bytes.fill(0, Number(bytes.readBigUInt64BE(table)), Number(bytes.readBigUInt64BE(table)) + 65_536);
    writeFileSync(path, bytes);
    const result = await check({ path });
    expect(result.ok).toBe(false);
    expect(result.corruptions).toBeGreaterThan(0);
  });

  it('converts, compresses, and reports progress up to the total', async () => {
    const raw = join(directory, 'x.raw');
    writeFileSync(raw, Buffer.alloc(8 * mebibyte, 'tortoise'));
    const reports: (number | undefined)[][] = [];
    const progress = {
      signal: new AbortController().signal,
      report: ({ done, total }: { done?: number; total?: number }) => void reports.push([done, total]),
    };
    const packed = join(directory, 'packed.qcow2');
    const from = { source: raw, sourceFormat: 'raw', targetFormat: 'qcow2' } as const;
    await convert({ ...from, target: path, progress });
    await convert({ ...from, target: packed, compress: true });
    const [done, total] = reports.at(-1) ?? [];
    expect(done).toBeGreaterThan(8 * mebibyte);
    expect(done).toBe(total);
    expect(statSync(packed).size).toBeLessThan(statSync(path).size / 4);
    const back = join(directory, 'back.raw');
    await convert({ source: packed, sourceFormat: 'qcow2', target: back, targetFormat: 'raw' });
    expect(readFileSync(back).equals(readFileSync(raw))).toBe(true);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('names the cause: a missing file, a missing program, or one with malformed output', async () => {
    const none = join(directory, 'none.qcow2');
    await expect(info({ path: none, format: 'qcow2' })).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    const absent = createQcow2({ path, sizeBytes: mebibyte, qemuImg: '/nonexistent/qemu-img' });
    await expect(absent).rejects.toMatchObject({ code: 'ENGINE_MISSING' });
    await expect(info({ path, format: 'qcow2', qemuImg: 'echo' })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
    });
  });

  it('never treats a name as a protocol', async () => {
    qemuImg('create', '-q', '-f', 'raw', join(directory, 'nbd:x'), '1M');
    const target = join(directory, 'out.qcow2');
    const source = join(directory, 'nbd:x');
    await convert({ source, sourceFormat: 'raw', target, targetFormat: 'qcow2' });
    expect((await info({ path: target, format: 'qcow2' })).virtualSize).toBe(mebibyte);
  });
});
