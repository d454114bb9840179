import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CliContext } from './context.ts';
import { ProgressLine } from './progress-line.ts';

function linesOf(stages: readonly string[], options = { silent: false }): string {
  const stderr = new PassThrough();
  const line = new ProgressLine({ stderr, env: {} } as unknown as CliContext, 'demo', options);
  for (const stage of stages) line.report({ stage });
  line.end();
  return String(stderr.read() ?? '');
}

describe('progress that is not shown on a terminal', () => {
  it('is a line for each stage', () => {
    expect(linesOf(['Resuming', 'Resuming', 'Waiting'])).toBe('demo: Resuming\ndemo: Waiting\n');
  });

  it('is one line for stages that only count', () => {
    const stages = ['Looking', 'Copying file 1', 'Copying file 2', 'Copying file 999', 'Done'];
    expect(linesOf(stages)).toBe('demo: Looking\ndemo: Copying file 1\ndemo: Done\n');
  });

  it('is nothing where only results are wanted', () => {
    expect(linesOf(['Resuming'], { silent: true })).toBe('');
  });
});
