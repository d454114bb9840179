import { readFileSync, readdirSync, statfsSync } from 'node:fs';

/** Memory of a process, as counted by the kernel, in bytes. */
export interface ProcessMemory {
  /** Pages that only this process has: Private_Clean and Private_Dirty. */
  readonly private: number;
  /** The proportional share: each mapped page divided by the number of processes that map it. */
  readonly pss: number;
  /** The part of `pss` in files on memory file systems. */
  readonly pssShared: number;
}

/** From `/proc/PID/smaps_rollup` (proc(5)). */
export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const bytes = (field: string) => {
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kib === undefined) throw new Error(`This kernel does not report ${field}.`);
    return Number(kib) * 1024;
  };
  return {
    private: bytes('Private_Clean') + bytes('Private_Dirty'),
    pss: bytes('Pss'),
    pssShared: bytes('Pss_Shmem'),
  };
}

/** The engines of a home by the name of their machine, found by their command lines, which does not disturb them. */
export function enginesOf(home: string): Map<string, number> {
  const engines = new Map<string, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const args = commandLineOf(pid);
    const name = /^guest=([^,]*)/.exec(args[args.indexOf('-name') + 1] ?? '')?.[1];
    const pidFile = args[args.indexOf('-pidfile') + 1] ?? '';
    if (name !== undefined && pidFile.startsWith(`${home}/`)) engines.set(name, Number(pid));
  }
  return engines;
}

function commandLineOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // The process has ended meanwhile.
    return [];
  }
}

/** Bytes in use on the file system for guest RAM. */
export function sharedMemoryUsed(): number {
  const { blocks, bfree, bsize } = statfsSync('/dev/shm');
  return (blocks - bfree) * bsize;
}

/** Bytes that the host still has available for programs. */
export function availableMemory(): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
  return Number(kib) * 1024;
}
