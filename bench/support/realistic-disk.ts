import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

const mebibyte = 1024 * 1024;

/** A mebibyte that compresses to about half, as the disk of a system does: some of it is noise, the rest words. */
function realistic(): Buffer {
  const words =
    randomBytes(4096)
      .toString('base64')
      .match(/.{1,9}/gu) ?? [];
  const parts: Buffer[] = [];
  for (let at = 0; at < mebibyte; at += 16 * 1024) {
    parts.push(randomBytes(5 * 1024));
    const text = Array.from({ length: 1600 }, () => words[Math.floor(Math.random() * words.length)] ?? '');
    parts.push(Buffer.from(text.join(' ')).subarray(0, 11 * 1024));
  }
  return Buffer.concat(parts);
}

/** Makes a raw disk that is half full: every second mebibyte has data. */
export function makeHalfFullDisk(path: string, mebibytes: number): void {
  const file = openSync(path, 'wx');
  ftruncateSync(file, mebibytes * mebibyte);
  for (let at = 0; at < mebibytes; at += 2) writeSync(file, realistic(), 0, mebibyte, at * mebibyte);
  closeSync(file);
}
