import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run, spawnDetached } from './process.ts';

const node = process.execPath;
let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kame-process-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('run', () => {
  it('returns output and exit code; a failure of the command is a result', async () => {
    const script = "process.stdout.write('out'); process.stderr.write('err'); process.exitCode = 3";
    expect(await run(node, ['-e', script])).toEqual({
      exitCode: 3,
      signal: null,
      stdout: 'out',
      stderr: 'err',
    });
  });

  it('reports the signal that ended the command', async () => {
    const result = await run(node, ['-e', "process.kill(process.pid, 'SIGKILL')"]);
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('passes input and environment to the command, and its arguments not through a shell', async () => {
    const script =
      'process.stdin.on("data", (d) => process.stdout.write(d + process.env.KAME_X + process.argv[1]))';
    const options = { input: 'in ', env: { KAME_X: 'env ' } };
    expect((await run(node, ['-e', script, '$(id); `id`'], options)).stdout).toBe('in env $(id); `id`');
  });

  it('names a program that is not installed', async () => {
    await expect(run('kame-no-such-program', [])).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
      message: 'The program kame-no-such-program is not installed.',
    });
  });

  it('names a file that is not a program', async () => {
    await expect(run(directory, [])).rejects.toMatchObject({ code: 'HOST_PROBLEM' });
  });

  it('ends a command that takes too long, even one that ignores SIGTERM', async () => {
    const script = "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)";
    await expect(run(node, ['-e', script], { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'ENGINE_TIMEOUT',
    });
  });

  it('is cancelled by its signal', async () => {
    const begun = join(directory, 'begun');
    const cancel = new AbortController();
    const script = "require('fs').writeFileSync(process.argv[1], ''); setInterval(() => undefined, 1000)";
    const running = run(node, ['-e', script, begun], { signal: cancel.signal });
    await expect.poll(() => existsSync(begun), { timeout: 10_000 }).toBe(true);
    cancel.abort();
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('limits the output it keeps', async () => {
    const script = "process.stdout.write('x'.repeat(100_000))";
    await expect(run(node, ['-e', script], { maxBuffer: 1000 })).rejects.toMatchObject({
      code: 'HOST_PROBLEM',
    });
  });
});

describe('spawnDetached', () => {
  it('appends the output to a private file and reports how the program ended', async () => {
    const logFile = join(directory, 'log');
    for (const word of ['one', 'two']) {
      const child = await spawnDetached(node, ['-e', `console.log('${word}'); process.exitCode = 4`], {
        logFile,
      });
      expect(await child.exited).toEqual({ code: 4, signal: null });
    }
    expect(readFileSync(logFile, 'utf8')).toBe('one\ntwo\n');
    expect(statSync(logFile).mode & 0o777).toBe(0o600);
  });

  it('starts the program in its own process group, which the signals of our terminal do not reach', async () => {
    const logFile = join(directory, 'log');
    const child = await spawnDetached('/bin/sh', ['-c', 'ps -o pgid= -p $$'], { logFile });
    await child.exited;
    expect(Number(readFileSync(logFile, 'utf8'))).toBe(child.pid);
  });

  it('names a program that is not installed, and a file that is not a program', async () => {
    const logFile = join(directory, 'log');
    await expect(spawnDetached('kame-no-such-program', [], { logFile })).rejects.toMatchObject({
      code: 'ENGINE_MISSING',
    });
    await expect(spawnDetached(directory, [], { logFile })).rejects.toMatchObject({ code: 'HOST_PROBLEM' });
  });
});
