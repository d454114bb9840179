import type { Progress } from '../core/progress.ts';
import { allocatedBytes } from '../sys/files.ts';

const intervalMs = 250;

/**
 * Until stopped, reports how much of a file another program has written, by its allocated blocks. The file need not
 * exist yet. `from` is the number of bytes that were allocated before.
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
    // The file does not exist yet, so there is nothing to report.
    if (allocated === undefined) return;
    const grown = Math.max(0, allocated - from);
    const done = total === undefined ? grown : Math.min(grown, total);
    progress.report({ stage, done, ...(total === undefined ? {} : { total }), unit: 'bytes' });
  };
  const timer = setInterval(() => void look(), intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
