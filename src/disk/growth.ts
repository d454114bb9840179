import { stat } from 'node:fs/promises';
import type { Progress } from '../core/progress.ts';

const intervalMs = 250;

/**
 * Reports how much of a file another program has written, by its allocated blocks, until stopped.
 * The file need not exist yet.
 */
export function followGrowth(
  path: string,
  total: number | undefined,
  stage: string,
  progress: Progress,
): { stop(): void } {
  const look = async (): Promise<void> => {
    const { blocks } = await stat(path);
    const done = total === undefined ? blocks * 512 : Math.min(blocks * 512, total);
    progress.report({ stage, done, ...(total === undefined ? {} : { total }), unit: 'bytes' });
  };
  // A file that is not there yet is no news.
  const timer = setInterval(() => void look().catch(() => undefined), intervalMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
