import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';

/**
 * Bytes of memory that programs can still get without swapping: `MemAvailable` of Linux (proc(5)), which counts caches that can be
 * dropped; elsewhere what the system calls free.
 */
export async function availableMemory(): Promise<number> {
  if (process.platform !== 'linux') return freemem();
  const text = await readFile('/proc/meminfo', 'utf8');
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}
