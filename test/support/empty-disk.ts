import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { qemuImg } from './qemu-img.ts';

/** What qemu-img made, by virtual size: no two empty images of a size differ. */
const made = new Map<number, Buffer>();

function qcow2(bytes: number): Buffer {
  const known = made.get(bytes);
  if (known) return known;
  const directory = mkdtempSync(join(tmpdir(), 'ke-'));
  const path = join(directory, 'disk.qcow2');
  qemuImg('create', '-q', '-f', 'qcow2', path, String(bytes));
  const content = readFileSync(path);
  made.set(bytes, content);
  rmSync(directory, { recursive: true });
  return content;
}

/** Makes an empty disk of so many bytes, as qemu-img does, which runs only for the first one of a size. */
export function makeEmptyDisk(path: string, bytes: number, format: 'qcow2' | 'raw' = 'qcow2'): void {
  if (format === 'qcow2') {
    writeFileSync(path, qcow2(bytes));
    return;
  }
  const file = openSync(path, 'w');
  ftruncateSync(file, bytes);
  closeSync(file);
}
