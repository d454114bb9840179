import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { threadProgram } from './thread-program.ts';

describe('the program of a thread', () => {
  it('is the file itself when it is built', () => {
    const built = new URL('file:///kame/dist/memory-copier.mjs');
    expect(threadProgram(built)).toBe(built);
  });

  it('runs from the sources too', () => {
    // In a process of its own: the runner of tests has a loader of its own.
    const copier = new URL('memory-copier.ts', import.meta.url).href;
    const script = `
      import { CopyThreads } from './src/sys/copy-threads.ts';
      import { threadProgram } from './src/bin/thread-program.ts';
      const threads = await CopyThreads.start(threadProgram(new URL('${copier}')), 1);
      threads[Symbol.dispose]();
      process.stdout.write('copies');`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('copies');
  });
});
