import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach } from 'vitest';
import { readChain } from '../../src/disk/chain.ts';
import { createOverlay } from '../../src/disk/overlay.ts';
import { makeEmptyDisk } from './empty-disk.ts';
import { qemuImg } from './qemu-img.ts';
import { runProgram } from './run-program.ts';

// Layers of disks for tests: each test has a directory of its own.

/** Bytes. */
export const mebibyte = 1024 * 1024;
/** Virtual size of the layers: bytes. */
export const size = 32 * mebibyte;
let root = '';

/** Gives each test of a file a directory of its own. */
export function useLayers(): void {
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'kame-layers-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
}

/** A file in the test's own directory. */
export const at = (name: string): string => join(root, name);

/** Commands of qemu-io on one file. */
export function io(path: string, commands: readonly string[], format = 'qcow2'): void {
  const args = [
    '-f',
    format,
    '-d',
    'unmap',
    '-t',
    'unsafe',
    ...commands.flatMap((command) => ['-c', command]),
  ];
  runProgram('qemu-io', [...args, path]);
}

/** An empty overlay. */
export async function overlay(
  name: string,
  backing: string,
  format: 'qcow2' | 'raw' = 'qcow2',
  bytes = size,
) {
  const options = { backing, backingFormat: format, virtualSize: bytes, sync: false };
  await createOverlay({ path: at(name), ...options });
  return at(name);
}

/** Keeps the content that a guest sees as a raw file. */
export function keep(name: string, format = 'qcow2'): string {
  qemuImg('convert', '-f', format, '-O', 'raw', at(name), at(`${name}.kept`));
  return at(`${name}.kept`);
}

/** Whether a guest sees what was kept. */
export function same(name: string, format = 'qcow2'): boolean {
  return /identical/.test(qemuImg('compare', '-f', format, '-F', 'raw', at(name), at(`${name}.kept`)));
}

/** The names of a chain's files, from the top. */
export async function layersOf(name: string): Promise<string[]> {
  const paths: string[] = [];
  let layer = await readChain(at(name), { inside: [root] });
  for (;;) {
    paths.push(layer.path.slice(root.length + 1));
    if (!layer.backing) return paths;
    layer = layer.backing;
  }
}

/** Writes, zeros and discards of any alignment. */
export const changes = fc.array(
  fc
    .tuple(
      fc.constantFrom('write -P', 'write -P', 'write -P', 'write -z', 'discard'),
      fc.nat({ max: size / 512 - 1 }),
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 1, max: 255 }),
    )
    .map(([verb, sector, length, pattern]) => {
      const bytes = Math.min(length, size / 512 - sector) * 512;
      return `${verb === 'write -P' ? `${verb} ${pattern}` : verb} ${sector * 512} ${bytes}`;
    }),
  { maxLength: 12 },
);

/** Three layers: base, middle, top, with these writes in each. */
export async function three(writes: readonly (readonly string[])[], baseFormat: 'qcow2' | 'raw' = 'qcow2') {
  makeEmptyDisk(at('base'), size, baseFormat);
  io(at('base'), writes[0] ?? [], baseFormat);
  await overlay('middle', 'base', baseFormat);
  io(at('middle'), writes[1] ?? []);
  await overlay('top', 'middle');
  io(at('top'), writes[2] ?? []);
}

/** Removes all files of the test, for the next run of a property. */
export function clear(): void {
  for (const name of readdirSync(root)) rmSync(at(name), { recursive: true });
}

/** Pieces of 4 KiB all over the disk, so that there is work for some time. */
export function scattered(pattern: number, step: number): string[] {
  return Array.from({ length: Math.floor(size / step) }, (_none, index) => {
    return `write -P ${pattern + (index % 7)} ${index * step + (pattern % 4) * 4096} 4k`;
  });
}
