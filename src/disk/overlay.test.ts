import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { runProgram } from '../../test/support/run-program.ts';
import { isUnwritten, readChain } from './chain.ts';
import { createOverlay } from './overlay.ts';

const mebibyte = 1024 * 1024;
let root = '';
let count = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'kame-overlay-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function freshDirectory(): string {
  count += 1;
  const directory = join(root, String(count));
  mkdirSync(directory);
  return directory;
}

function qemuIo(...args: string[]): void {
  runProgram('qemu-io', args);
}

function json(...args: string[]): Record<string, unknown> {
  return JSON.parse(qemuImg(...args)) as Record<string, unknown>;
}

describe('createOverlay', () => {
  it('makes the same as qemu-img, which finds no problems in it', async () => {
    const directory = freshDirectory();
    const base = join(directory, 'disk0.qcow2');
    const [ours, theirs] = [join(directory, 'ours.qcow2'), join(directory, 'theirs.qcow2')];
    qemuImg('create', '-q', '-f', 'qcow2', base, '10G');
    qemuIo('-f', 'qcow2', '-c', 'write -P 7 3M 2M', base);
    const virtualSize = 10 * 1024 * mebibyte;
    await createOverlay({ path: ours, backing: 'disk0.qcow2', backingFormat: 'qcow2', virtualSize });
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'disk0.qcow2', '-F', 'qcow2', theirs);
    const facts = (path: string): object => {
      const { filename, 'actual-size': size, ...rest } = json('info', '--output=json', '-f', 'qcow2', path);
      expect([filename, typeof size]).toEqual([path, 'number']);
      return { ...rest, children: null };
    };
    expect(facts(ours)).toEqual(facts(theirs));
    expect(json('check', '--output=json', '-f', 'qcow2', ours)).toMatchObject({ 'check-errors': 0 });
    expect(qemuImg('check', '-f', 'qcow2', ours)).toMatch(/No errors/);
    expect(qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', ours, base)).toMatch(/identical/);
    expect(statSync(ours).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory).toSorted()).toEqual(['disk0.qcow2', 'ours.qcow2', 'theirs.qcow2']);
  });

  it('can be written to without changing the layer below', async () => {
    const directory = freshDirectory();
    const base = join(directory, 'base.raw');
    writeFileSync(base, Buffer.alloc(8 * mebibyte, 'b'));
    const path = join(directory, 'top.qcow2');
    await createOverlay({ path, backing: 'base.raw', backingFormat: 'raw', virtualSize: 16 * mebibyte });
    expect(await isUnwritten(path)).toBe(true);
    qemuIo('-f', 'qcow2', '-c', 'write -P 1 1M 100k', '-c', 'write -P 2 15M 1M', path);
    expect(await isUnwritten(path)).toBe(false);
    qemuIo('-f', 'qcow2', '-c', 'read -P 1 1M 100k', '-c', 'read -P 98 2M 6M', path);
    qemuIo('-f', 'qcow2', '-c', 'read -P 0 8M 7M', '-c', 'read -P 2 15M 1M', path);
    expect(qemuImg('check', '-f', 'qcow2', path)).toMatch(/No errors/);
    expect(readFileSync(base).equals(Buffer.alloc(8 * mebibyte, 'b'))).toBe(true);
  });

  it('never replaces a file', async () => {
    const directory = freshDirectory();
    const path = join(directory, 'disk.qcow2');
    writeFileSync(path, 'precious');
    const options = { path, backing: 'x', backingFormat: 'qcow2', virtualSize: mebibyte } as const;
    await expect(createOverlay(options)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(readdirSync(directory)).toEqual(['disk.qcow2']);
  });

  it('is made once by many concurrent calls', async () => {
    const directory = freshDirectory();
    const path = join(directory, 'disk.qcow2');
    const tries = Array.from({ length: 20 }, async (_none, index) =>
      createOverlay({ path, backing: `b${index}`, backingFormat: 'qcow2', virtualSize: mebibyte }),
    );
    const done = await Promise.allSettled(tries);
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(directory)).toEqual(['disk.qcow2']);
  });

  it('leaves nothing behind where it cannot write', async () => {
    const path = join(root, 'nowhere', 'disk.qcow2');
    const options = { path, backing: 'x', backingFormat: 'qcow2', virtualSize: mebibyte } as const;
    await expect(createOverlay(options)).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });

  it.each([0, -512, 100, 513, Number.NaN, 64 * 1024 ** 4 + 512, 2 ** 60])(
    'refuses a size of %d',
    async (virtualSize) => {
      const directory = freshDirectory();
      const path = join(directory, 'disk.qcow2');
      const run = createOverlay({ path, backing: 'x', backingFormat: 'qcow2', virtualSize });
      await expect(run).rejects.toMatchObject({ code: 'INVALID_VALUE' });
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it.each([
    ['nothing', ''],
    ['a dot', '.'],
    ['two dots', '..'],
    ['a slash at the end', 'a/'],
    ['a slash', '/'],
    ['dots at the end', 'a/..'],
    ['a zero byte', 'a\0b'],
    ['1024 bytes', 'x'.repeat(1024)],
    ['1023 bytes that need two more', `a:${'x'.repeat(1021)}`],
    ['half a character', '\ud800'],
  ])('rejects as a name: %s', async (_what, backing) => {
    const directory = freshDirectory();
    const path = join(directory, 'disk.qcow2');
    const run = createOverlay({ path, backing, backingFormat: 'qcow2', virtualSize: mebibyte });
    await expect(run).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each([
    'nbd:unix',
    'json:{"driver":"nbd"}',
    'file:x.qcow2',
    'a, b=c.qcow2',
    ' -b',
    'Käse 🐢.qcow2',
    "it's\n.qcow2",
    '%2e%2e',
    ':',
  ])('QEMU finds the file %j', async (name) => {
    const directory = freshDirectory();
    const base = join(directory, name);
    qemuImg('create', '-q', '-f', 'qcow2', base, '1M');
    qemuIo('-f', 'qcow2', '-c', 'write -P 9 0 64k', base);
    const path = join(directory, 'top.qcow2');
    await createOverlay({ path, backing: name, backingFormat: 'qcow2', virtualSize: mebibyte });
    qemuIo('-f', 'qcow2', '-c', 'read -P 9 0 64k', path);
    expect((await readChain(path, { inside: [directory] })).backing?.path).toBe(base);
  });

  it('QEMU and Kame read back every size and name as given', async () => {
    const directory = freshDirectory();
    const path = join(directory, 'top.qcow2');
    const size = fc.oneof(
      fc.integer({ min: 1, max: 2 ** 37 }).map((sectors) => sectors * 512),
      // Sizes around those where the L1 table grows by an entry or a cluster.
      fc
        .tuple(fc.integer({ min: 1, max: 131_071 }), fc.integer({ min: -1, max: 1 }))
        .map(([entries, more]) => entries * 2 ** 29 + more * 512),
      fc.constantFrom(512, 2 ** 42 - 512, 2 ** 42, 2 ** 42 + 512, 2 ** 46 - 512, 2 ** 46),
    );
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 200 })
      .filter((text) => !/\0|\/|^\.{0,2}$/.test(text) && Buffer.byteLength(text) <= 240);
    const property = fc.asyncProperty(size, name, async (virtualSize, backing) => {
      rmSync(path, { force: true });
      await createOverlay({ path, backing, backingFormat: 'qcow2', virtualSize });
      const info = json('info', '--output=json', '-f', 'qcow2', path);
      expect(info['virtual-size']).toBe(virtualSize);
      const prefixed = backing.includes(':') ? `./${backing}` : backing;
      expect([info['backing-filename'], info['backing-filename-format']]).toEqual([prefixed, 'qcow2']);
      expect(await isUnwritten(path)).toBe(true);
      const chain = readChain(path, { inside: [directory] });
      await expect(chain).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    });
    await fc.assert(property, { numRuns: 30 });
  });

  it('holds a name of 1023 bytes', async () => {
    const path = join(freshDirectory(), 'top.qcow2');
    const backing = `/${'long/'.repeat(204)}ab`;
    await createOverlay({ path, backing, backingFormat: 'raw', virtualSize: 512 });
    expect(json('info', '--output=json', '-f', 'qcow2', path)).toMatchObject({
      'backing-filename': backing,
      'backing-filename-format': 'raw',
    });
    const chain = readChain(path, { inside: ['/'] });
    await expect(chain).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });

  it('is intact at the largest size', async () => {
    const directory = freshDirectory();
    const path = join(directory, 'top.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', join(directory, 'base.qcow2'), '1M');
    await createOverlay({ path, backing: 'base.qcow2', backingFormat: 'qcow2', virtualSize: 2 ** 46 });
    qemuIo('-f', 'qcow2', '-c', `write -P 5 ${2 ** 46 - mebibyte} 1M`, path);
    expect(qemuImg('check', '-f', 'qcow2', path)).toMatch(/No errors/);
    expect((await readChain(path, { inside: [directory] })).virtualSize).toBe(2 ** 46);
  });
});
