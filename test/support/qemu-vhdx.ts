import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { qemuImg } from './qemu-img.ts';
import { mebibyte } from './vhdx.ts';

/**
 * A disk of 9 MiB and some sectors with data at both ends and in the middle, as qemu-img writes it.
 * @param options of qemu-img
 */
export function qemuVhdx(directory: string, options: readonly string[]): { path: string; content: Buffer } {
  const content = Buffer.alloc(9 * mebibyte + 3 * 512);
  randomBytes(mebibyte + 5000).copy(content, 3 * mebibyte + 512);
  content.write('first');
  content.write('last', content.length - 4);
  writeFileSync(join(directory, 'raw'), content);
  const path = join(directory, 'made.vhdx');
  const flags = options.length === 0 ? [] : ['-o', options.join(',')];
  qemuImg('convert', '-f', 'raw', '-O', 'vhdx', ...flags, join(directory, 'raw'), path);
  return { path, content };
}
