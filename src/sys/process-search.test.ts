import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { findProcesses } from './process-search.ts';

const children: ChildProcess[] = [];
const idle = 'setInterval(() => {}, 1000)';

async function start(...args: string[]): Promise<number> {
  const child = spawn(process.execPath, ['-e', idle, '--', ...args], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return child.pid as number;
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (!child.kill('SIGKILL')) continue;
    await once(child, 'exit');
  }
});

describe('findProcesses', () => {
  it('finds consecutive whole words and identifies the process', async () => {
    const path = `/tmp/search ${process.pid}/pid`;
    const pid = await start('-a', '-pidfile', path, '-b');
    await start('-pidfile', `${path}.old`);
    await start('-pidfile', '-x', path);
    const found = await findProcesses(['-pidfile', path]);
    expect(found.map((one) => one.pid)).toEqual([pid]);
    expect(found[0]?.birth).not.toBe('');
  });

  it('returns nothing when there is no match, and never this process', async () => {
    expect(await findProcesses(['-pidfile', `/tmp/nothing-${process.pid}/pid`])).toEqual([]);
    const own = process.argv.at(0) ?? '';
    expect((await findProcesses([own])).map(({ pid }) => pid)).not.toContain(process.pid);
  });
});
