import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Usage {
  /** Processor time in seconds, user and system. */
  readonly cpuSeconds: number;
  /** Resident memory including shared pages, in megabytes of 10^6 bytes. */
  readonly rssMb: number;
}

function linuxUsage(pid: number, ticksPerSecond: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Fields 14 and 15 of proc(5); the name in parentheses, field 2, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return { cpuSeconds: ticks / ticksPerSecond, rssMb: (Number(kib) * 1024) / 1e6 };
}

/** Parses `ps` of macOS: rss in KiB, time as [hours:]minutes:seconds.hundredths. */
function psUsage(pid: number): Usage {
  const [rss = '', time = ''] = execFileSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], {
    encoding: 'utf8',
  })
    .trim()
    .split(/\s+/);
  const cpuSeconds = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuSeconds, rssMb: (Number(rss) * 1024) / 1e6 };
}

/** Returns a function that reads the usage of a process. @throws Error when the process does not exist */
export function usageReader(pid: number): () => Usage {
  if (process.platform !== 'linux') return () => psUsage(pid);
  const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return () => linuxUsage(pid, ticks);
}

/** The most resident memory that a process has had, in megabytes of 10^6 bytes (proc(5), Linux). */
export function peakMb(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}
