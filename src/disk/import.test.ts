import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../test/support/digest.ts';
import { qemuImg } from '../../test/support/qemu-img.ts';
import { KameError } from '../core/errors.ts';
import { silentProgress } from '../core/progress.ts';
import { importDisk } from './import.ts';
import { info } from './qemu-img.ts';

const size = 24 * 1024 * 1024;
let directory = '';
let raw = '';
let rawHash = '';

/** A disk with a partition table, data, repeated data and holes. */
async function makeRaw(path: string): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(size);
  await file.write(Buffer.from([0x55, 0xaa]), 0, 2, 510);
  let state = 1;
  const noise = Buffer.alloc(1024 * 1024 + 4096).map(
    () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 16,
  );
  await file.write(noise, 0, noise.length, 3 * 1024 * 1024 + 512);
  await file.write(Buffer.alloc(300_000, 'kame'), 0, 300_000, 10_000_000);
  await file.write(Buffer.from('the end'), 0, 7, size - 7);
  await file.close();
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kame-import-'));
  raw = join(directory, 'disk.raw');
  await makeRaw(raw);
  rawHash = digestOf(raw);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
function fresh(name: string): string {
  count += 1;
  return join(directory, `${count}-${name}`);
}

/** Imports an image and returns the hash of the disk as the guest would see it. */
async function importedHash(source: string, options: { sizeBytes?: number } = {}): Promise<string> {
  const target = fresh('out.qcow2');
  await importDisk({ source, target, progress: silentProgress(), ...options });
  const back = fresh('back.raw');
  qemuImg('convert', '-f', 'qcow2', '-O', 'raw', target, back);
  return digestOf(back);
}

/** Code and message of the error, and the names of files left behind. */
async function refusalOf(source: string): Promise<string> {
  const before = readdirSync(directory);
  try {
    await importDisk({ source, target: join(directory, 'refused.qcow2'), progress: silentProgress() });
    return 'not refused';
  } catch (error) {
    const left = readdirSync(directory).filter((name) => !before.includes(name));
    return error instanceof KameError
      ? `${error.code}: ${error.message} ${left.join()}`.trimEnd()
      : String(error);
  }
}

describe('images that are accepted', () => {
  it('raw, qcow2, compressed qcow2, and qcow2 through a link', async () => {
    expect(await importedHash(raw)).toBe(rawHash);
    const plain = fresh('a.qcow2');
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, plain);
    expect(await importedHash(plain)).toBe(rawHash);
    const packed = fresh('b.qcow2');
    qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', 'compat=0.10', raw, packed);
    expect(await importedHash(packed)).toBe(rawHash);
    const link = fresh('link.qcow2');
    symlinkSync(plain, link);
    expect(await importedHash(link)).toBe(rawHash);
  });

  it('qcow2 with extended L2 entries and another cluster size', async () => {
    const path = fresh('x.qcow2');
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', '-o', 'extended_l2=on,cluster_size=128k', raw, path);
    expect(await importedHash(path)).toBe(rawHash);
  });

  it('qcow2 with internal snapshots, which are dropped', async () => {
    const path = fresh('s.qcow2');
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, path);
    qemuImg('snapshot', '-c', 'one', path);
    const target = fresh('out.qcow2');
    await importDisk({ source: path, target, progress: silentProgress() });
    expect(qemuImg('snapshot', '-l', target)).toBe('');
  });

  it.each([
    'monolithicSparse',
    'twoGbMaxExtentSparse',
    'monolithicFlat',
    'twoGbMaxExtentFlat',
    'streamOptimized',
  ])('VMDK %s reads as QEMU reads it', async (subformat) => {
    const path = fresh(`${subformat}.vmdk`);
    qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', `subformat=${subformat}`, raw, path);
    expect(await importedHash(path)).toBe(rawHash);
  });

  it('grows the disk, and returns its format and size', async () => {
    const target = fresh('big.qcow2');
    const sizeBytes = 64 * 1024 * 1024;
    const stages = new Set<string>();
    const progress = {
      signal: new AbortController().signal,
      report: ({ stage }: { stage: string }) => void stages.add(stage),
    };
    expect(await importDisk({ source: raw, target, sizeBytes, progress })).toEqual({
      format: 'raw',
      virtualSize: sizeBytes,
    });
    expect((await info({ path: target, format: 'qcow2' })).virtualSize).toBe(sizeBytes);
    expect([...stages]).toEqual(['Converting the disk']);
  });
});

describe('images that are rejected', () => {
  it('anything that is not an image file', async () => {
    expect(await refusalOf(join(directory, 'nowhere'))).toMatch(/^NO_SUCH_IMAGE: .*nowhere.*\.$/);
    expect(await refusalOf(directory)).toMatch(/^BAD_IMAGE: .*is a directory.*\.$/);
    expect(await refusalOf('/dev/null')).toMatch(/^BAD_IMAGE: .*device.*\.$/);
    const pipe = fresh('pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await refusalOf(pipe)).toMatch(/^BAD_IMAGE: .*pipe.*\.$/);
  });

  it.each([
    ['empty', Buffer.alloc(0), /is empty/],
    ['tiny', Buffer.from('hello'), /only 5 bytes/],
    ['text', Buffer.alloc(4096, 'hello '), /an unknown format/],
    ['gzip', Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(4096)]), /gzip/],
    ['luks', Buffer.concat([Buffer.from('LUKS\u00ba\u00be', 'latin1'), Buffer.alloc(4096)]), /LUKS/],
    ['vhdx', Buffer.concat([Buffer.from('vhdxfile'), Buffer.alloc(4096)]), /truncated/],
    ['dmg', Buffer.concat([Buffer.alloc(4096), Buffer.from('koly'), Buffer.alloc(508)]), /DMG/],
  ])('a file that is %s', async (name, content, message) => {
    const path = fresh(name);
    writeFileSync(path, content);
    const refusal = await refusalOf(path);
    expect(refusal).toMatch(message);
    expect(refusal).toMatch(/^BAD_IMAGE: .*\.$/);
  });

  it('an ISO image', async () => {
    const content = Buffer.alloc(64 * 1024);
    content.write('CD001', 32_769, 'latin1');
    const path = fresh('cd.iso');
    writeFileSync(path, content);
    expect(await refusalOf(path)).toMatch(/^BAD_IMAGE: .*ISO image.*\.$/);
  });

  it('a qcow2 with a backing file, by its name', async () => {
    const path = fresh('overlay.qcow2');
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', path, '1M');
    expect(await refusalOf(path)).toMatch(/^BAD_IMAGE: .*overlay\.qcow2 .*"\/etc\/passwd".*\.$/);
  });

  it('a qcow2 with an external data file, by its name', async () => {
    const path = fresh('outside.qcow2');
    const data = fresh('outside.data');
    qemuImg('create', '-q', '-f', 'qcow2', '-o', `data_file=${data},data_file_raw=on`, path, '1M');
    expect(await refusalOf(path)).toMatch(new RegExp(`^BAD_IMAGE: .*outside\\.qcow2 .*${data}.*\\.$`));
  });

  it('a qcow2 that is truncated anywhere', async () => {
    const whole = fresh('whole.qcow2');
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, whole);
    const bytes = readFileSync(whole);
    for (const length of [10, 80, 1000, 65_536, 200_000, bytes.length >> 1, bytes.length - 200_000]) {
      const path = fresh('cut.qcow2');
      writeFileSync(path, bytes);
      truncateSync(path, length);
      expect(await refusalOf(path)).toMatch(/^BAD_IMAGE: .*truncated.*\.$/);
    }
  });

  it.each([
    ['an unknown feature', 72, '8000000000000000', /features/],
    ['LUKS encryption', 32, '00000002', /encrypted/],
    ['a corrupt bit', 72, '0000000000000002', /corrupt/],
    ['a cluster size of 2^31', 20, '0000001f', /cluster size/],
    ['a size of 8 EiB', 24, '7fffffffffffffff', /virtual size/],
    ['a size of 1 PiB', 24, '0004000000000000', /64 TiB/],
    ['no size', 24, '0000000000000000', /0 bytes/],
    ['no L1 table', 36, '00000000', /L1 table/],
    ['an L1 table of 4 G entries', 36, 'ffffffff', /L1 table/],
    ['an L1 table far away', 40, '0000ffffffff0000', /L1 table/],
    ['a refcount table far away', 48, '0000ffffffff0000', /refcount table/],
    ['a header of 4 GiB', 100, 'fffffff8', /header/],
    ['version 9', 4, '00000009', /version 9/],
  ])('a qcow2 with %s', async (_name, at, hex, message) => {
    const path = fresh('broken.qcow2');
    qemuImg('create', '-q', '-f', 'qcow2', path, '1M');
    const bytes = readFileSync(path);
    Buffer.from(hex, 'hex').copy(bytes, at);
    writeFileSync(path, bytes);
    const refusal = await refusalOf(path);
    expect(refusal).toMatch(message);
    expect(refusal).toMatch(/^BAD_IMAGE: .*\.$/);
  });

  it('a disk that would be shrunk, and a target that exists', async () => {
    const target = fresh('small.qcow2');
    const options = { source: raw, target, progress: silentProgress() };
    await expect(importDisk({ ...options, sizeBytes: 1024 * 1024 })).rejects.toMatchObject({
      code: 'INVALID_VALUE',
    });
    await expect(importDisk({ ...options, target: raw })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(digestOf(raw)).toBe(rawHash);
  });
});

describe('an import that fails', () => {
  it.each(['raw', 'qcow2', 'vmdk'])('leaves nothing of a cancelled %s', async (format) => {
    const source = fresh(`in.${format}`);
    qemuImg('convert', '-f', 'raw', '-O', format, raw, source);
    const before = readdirSync(directory);
    const controller = new AbortController();
    const progress = { signal: controller.signal, report: () => controller.abort() };
    if (format === 'raw') controller.abort();
    const target = join(directory, 'cancelled.qcow2');
    await expect(importDisk({ source, target, progress })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readdirSync(directory)).toEqual(before);
  });

  it('reports that qemu-img is missing', async () => {
    const before = readdirSync(directory);
    const target = join(directory, 'none.qcow2');
    const options = { source: raw, target, qemuImg: '/nonexistent/qemu-img', progress: silentProgress() };
    await expect(importDisk(options)).rejects.toMatchObject({ code: 'ENGINE_MISSING' });
    expect(readdirSync(directory)).toEqual(before);
  });

  it('names the bytes needed when there is not enough free space', async () => {
    // A program that measures petabytes stands in for a raw file whose copy does not fit.
    const tool = fresh('qemu-img.sh');
    writeFileSync(tool, '#!/bin/sh\necho \'{"required": 9000000000000000}\'\n', { mode: 0o700 });
    const before = readdirSync(directory);
    const target = join(directory, 'none.qcow2');
    const run = importDisk({ source: raw, target, qemuImg: tool, progress: silentProgress() });
    await expect(run).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { bytesNeeded: 9_000_000_000_000_000 },
    });
    expect(readdirSync(directory)).toEqual(before);
  });

  it('reports a disk that fills up while qemu-img writes', async () => {
    const tool = fresh('qemu-img.sh');
    const script =
      '#!/bin/sh\n[ "$1" = measure ] && exit 1\nfor last; do :; done\necho half >"$last"\necho "qemu-img: error while writing: No space left on device" >&2\nexit 1\n';
    writeFileSync(tool, script, { mode: 0o700 });
    const before = readdirSync(directory);
    const target = join(directory, 'none.qcow2');
    const run = importDisk({ source: raw, target, qemuImg: tool, progress: silentProgress() });
    await expect(run).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readdirSync(directory)).toEqual(before);
  });
});
