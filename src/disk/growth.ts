import type { Progress } from '../core/progress.ts';
import { allocatedBytes } from '../sys/files.ts';

const intervalMs = 250;

/**
 * Reports how much of a file another program has written, by its allocated blocks, until stopped.
 * The file need not exist yet; of one that was there before, `from` bytes were allocated.
 */
export function followGrowth(
  path: string,
  total: number | undefined,
  stage: string,
  progress: Progress,
  from = 0,
): { stop(): void } {
  const look = async (): Promise<void> => {
    const allocated = await allocatedBytes(path);
    // A file that is not there yet is no news.
    if (allocated === undefined) return;
    const grown = Math.max(0, allocated - from);
    const done = total === undefined ? grown : Math.min(grown, total);
    progress.report({ stage, done, ...(total === undefined ? {} : { total }), unit: 'bytes' });
  };
  const timer = setInterval(() => void look(), intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
