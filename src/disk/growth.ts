import { stat } from 'node:fs/promises';
import type { Progress } from '../core/progress.ts';

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
    const { blocks } = await stat(path);
    const grown = Math.max(0, blocks * 512 - from);
    const done = total === undefined ? grown : Math.min(grown, total);
    progress.report({ stage, done, ...(total === undefined ? {} : { total }), unit: 'bytes' });
  };
  // A file that is not there yet is no news.
  const timer = setInterval(() => void look().catch(() => undefined), intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
