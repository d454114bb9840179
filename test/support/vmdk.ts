import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openVmdk } from '../../src/disk/vmdk/vmdk-disk.ts';
import { readDisk } from './foreign-disk.ts';
import { qemuImg } from './qemu-img.ts';

let directory = '';

/** Gives each test a directory of its own for VMDKs. */
export function useVmdks(): void {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kame-vmdk-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
}

export function at(name: string): string {
  return join(directory, name);
}

/** Reads a whole disk; returns its bytes, or the error. */
export async function readVmdk(path: string): Promise<Buffer | string> {
  return await readDisk(async () => await openVmdk(path));
}

/** A VMDK as qemu-img makes it. */
export function makeVmdk(name: string, subformat: string, content: Buffer): Buffer {
  writeFileSync(at('source.raw'), content);
  const options = ['-f', 'raw', '-O', 'vmdk', '-o', `subformat=${subformat}`];
  qemuImg('convert', ...options, at('source.raw'), at(name));
  return readFileSync(at(name));
}

/** Content that does not compress to nothing: 2 MiB and a sector. */
export const noise = Buffer.from(
  Buffer.alloc(2 * 1024 * 1024 + 512).map((_, index) => (index * 2_654_435_761) >>> 13),
);
/** The start of a descriptor. */
export const head =
  '# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType="monolithicFlat"\n';
