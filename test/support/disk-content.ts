import { readQcow2, writeQcow2 } from './qcow2-content.ts';

// What is on a disk, as a guest would see it.

const mebibyte = 1024 * 1024;
const bytes = 64 * 1024;

/** Fills a place of a disk with a byte, as a guest's write does: at so many MiB. */
export function writeDisk(path: string, pattern: number, atMiB = 1): void {
  writeQcow2(path, atMiB * mebibyte, Buffer.alloc(bytes, pattern));
}

function has(path: string, pattern: number, atMiB: number): boolean {
  return readQcow2(path, atMiB * mebibyte, bytes).equals(Buffer.alloc(bytes, pattern));
}

/** Which of the numbers a disk shows, each at as many MiB. */
export function shownOn(path: string, numbers: readonly number[]): number[] {
  return numbers.filter((number) => has(path, number, number));
}

/** Whether 1 MiB into a disk it is filled with that byte. */
export function diskHas(path: string, pattern: number): boolean {
  return has(path, pattern, 1);
}
