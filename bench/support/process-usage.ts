import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** Processor time in seconds, user and system. */
  readonly cpuSeconds: number;
  /** Resident memory including shared pages, in megabytes of 10^6 bytes. */
  readonly rssMb: number;
}

/** What a thread has run, in nanoseconds; none for one that ends meanwhile. */
function runTimeOf(schedstat: string): number {
  try {
    return Number(readFileSync(schedstat, 'latin1').split(' ', 1)[0]);
  } catch {
    return 0;
  }
}

/**
 * Of all threads that live. What proc(5) tells of a process are ticks of the clock of the kernel, each of which counts as 10 ms for whoever
 * runs at that moment: for a process that runs for a millisecond now and then, that is several times too much.
 */
function linuxUsage(pid: number): Usage {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => runTimeOf(`/proc/${pid}/task/${thread}/schedstat`));
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return { cpuSeconds: times.reduce((sum, each) => sum + each, 0) / 1e9, rssMb: (Number(kib) * 1024) / 1e6 };
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
  return () => linuxUsage(pid);
}

/** The most resident memory that a process has had, in megabytes of 10^6 bytes (proc(5), Linux). */
export function peakMb(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}
