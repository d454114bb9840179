import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModule, type BuiltModule } from '../../test/support/built-module.ts';
import { poll } from '../core/deadline.ts';
import { silentProgress, type ProgressReport } from '../core/progress.ts';
import { runInHelper } from './helper-process.ts';
import { identify } from './process-identity.ts';

// Built as it is shipped: a loader of TypeScript would take longer than all that is tested here.
let built: BuiltModule;
let file: URL;
const { execArgv } = process;
beforeAll(async () => {
  built = await buildModule(new URL('../../test/support/helper-work.ts', import.meta.url));
  file = built.url;
  // A helper inherits the arguments of this process, and those of the test runner are none of its.
  process.execArgv = [];
});
afterAll(async () => {
  process.execArgv = execArgv;
  await built[Symbol.asyncDispose]();
});

describe('runInHelper', () => {
  it('returns the result, passes on the progress, and ends the process', async () => {
    const reports: ProgressReport[] = [];
    const progress = {
      signal: new AbortController().signal,
      report: (report: ProgressReport) => void reports.push(report),
    };
    const result = await runInHelper<{ pid: number; input: unknown }>(file, { a: [1] }, progress);
    expect(result.input).toEqual({ a: [1] });
    expect(result.pid).not.toBe(process.pid);
    expect(reports).toEqual([{ stage: 'working', done: 1, total: 2, unit: 'items' }]);
    const gone = async () => ((await identify(result.pid)) ? undefined : true);
    expect(await poll(gone, { deadlineMs: 10_000 })).toBe(true);
  });

  it('throws what the work throws, with code and advice', async () => {
    await expect(runInHelper(file, 'refuse', silentProgress())).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
      message: 'The file is another one.',
      next: 'Ask.',
      details: { bytes: 3 },
    });
    await expect(runInHelper(file, 'break', silentProgress())).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'a bug',
    });
  });

  it('reports that the process was killed', async () => {
    await expect(runInHelper(file, 'die', silentProgress())).rejects.toMatchObject({
      code: 'HOST_PROBLEM',
      message: 'A helper process of Kame ended unexpectedly (SIGKILL).',
    });
  });

  it('lets the work clean up when it is cancelled', async () => {
    const controller = new AbortController();
    const progress = { signal: controller.signal, report: () => controller.abort() };
    await expect(runInHelper(file, 'wait', progress)).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'Cleaned up.',
    });
  });
});
