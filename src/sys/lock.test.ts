import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { clearDeadLock, handLock, lockHolder, releaseLock, takeLock } from './lock.ts';
import { identify, isAlive, signalProcess } from './process-identity.ts';

const temporary = useTemporaryDirectory();
let temporaryRoot = '';

beforeEach(() => (temporaryRoot = temporary()));

/** A process that runs until it is killed. */
async function livingProcess(): Promise<{ pid: number; end: () => Promise<void> }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const end = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { pid: child.pid as number, end };
}

describe('takeLock', () => {
  it('names the living holder to a second caller, and leaves only the lock file', async () => {
    const directory = { path: temporary() };
    const path = join(directory.path, 'lock');
    await takeLock(path, 'kamed', 'demo');
    await expect(takeLock(path, 'kamed', 'demo')).rejects.toMatchObject({
      code: 'BUSY',
      message: `demo is in use by kamed (process ${process.pid}).`,
    });
    expect(await readdir(directory.path)).toEqual(['lock']);
    await releaseLock(path);
    await takeLock(path, 'kamed', 'demo');
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid, purpose: 'kamed' });
  });

  it('gives the lock to one of many concurrent callers', async () => {
    const directory = { path: temporary() };
    const path = join(directory.path, 'lock');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, async () => await takeLock(path, 'kamed', 'demo')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(directory.path)).toEqual(['lock']);
  });

  it('is not blocked by a process that has ended', async () => {
    const directory = { path: temporary() };
    const path = join(directory.path, 'lock');
    const other = await livingProcess();
    const identity = await identify(other.pid);
    await writeFile(path, JSON.stringify({ ...identity, purpose: 'qemu' }));
    await expect(takeLock(path, 'kamed', 'demo')).rejects.toMatchObject({ code: 'BUSY' });
    await other.end();
    await takeLock(path, 'kamed', 'demo');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    expect(await readdir(directory.path)).toEqual(['lock']);
  });

  it.each([
    [
      'of an earlier process with our pid',
      JSON.stringify({ pid: process.pid, birth: 'long ago', purpose: 'qemu' }),
    ],
    ['that is empty', ''],
    ['that is half written', '{"pid": 12'],
    ['that is not an object', 'null'],
  ])('is not blocked by a lock %s', async (_name, text) => {
    const directory = { path: temporary() };
    const path = join(directory.path, 'lock');
    await writeFile(path, text);
    expect(await lockHolder(path)).toBeUndefined();
    await takeLock(path, 'kamed', 'demo');
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid });
  });

  it('is transferred to another process without being free in between', async () => {
    const directory = { path: temporary() };
    const path = join(directory.path, 'lock');
    const other = await livingProcess();
    await takeLock(path, 'kamed', 'demo');
    const identity = await identify(other.pid);
    if (!identity) throw new Error('The process is not there.');
    await handLock(path, { ...identity, purpose: 'qemu' });
    expect(await lockHolder(path)).toMatchObject({ pid: other.pid, purpose: 'qemu' });
    await other.end();
    expect(await lockHolder(path)).toBeUndefined();
  });
});

describe('signalProcess', () => {
  it('never signals a later process with the same pid', async () => {
    const other = await livingProcess();
    const identity = await identify(other.pid);
    expect(await signalProcess({ pid: other.pid, birth: 'before' }, 'SIGKILL')).toBe(false);
    expect(identity && (await isAlive(identity))).toBe(true);
    await other.end();
    expect(identity && (await signalProcess(identity, 'SIGKILL'))).toBe(false);
  });
});

describe('clearDeadLock', () => {
  it('removes the lock of a dead process and a malformed one, never that of a living process', async () => {
    const path = join(temporary(), 'lock');
    await clearDeadLock(path);
    const child = await livingProcess();
    const holder = { ...(await identify(child.pid)), purpose: 'qemu' };
    await writeFile(path, JSON.stringify(holder));
    await clearDeadLock(path);
    expect(await lockHolder(path)).toEqual(holder);
    await child.end();
    await clearDeadLock(path);
    expect(await readdir(temporary())).toEqual([]);
    await writeFile(path, 'half a lo');
    await clearDeadLock(path);
    expect(await readdir(temporary())).toEqual([]);
  });
});

describe('a lock in another place', () => {
  it('is held in a directory that was moved, and not in a copy of it', async () => {
    const [place, moved, copy] = ['place', 'moved', 'copy'].map((name) => join(temporaryRoot, name));
    await mkdir(place!);
    await takeLock(join(place!, 'lock'), 'qemu', 'demo');
    await cp(place!, copy!, { recursive: true });
    await rename(place!, moved!);
    const holders = [moved!, copy!].map(async (directory) => await lockHolder(join(directory, 'lock')));
    expect(await Promise.all(holders)).toMatchObject([{ pid: process.pid }, undefined]);
    await takeLock(join(copy!, 'lock'), 'kamed', 'copy');
    expect(await lockHolder(join(copy!, 'lock'))).toMatchObject({ purpose: 'kamed' });
  });

  it('is held where the host gives a directory another number, as some file systems do', async () => {
    const path = join(temporaryRoot, 'lock');
    await takeLock(path, 'qemu', 'demo');
    const lock = JSON.parse(await readFile(path, 'utf8')) as object;
    await writeFile(path, JSON.stringify({ ...lock, directory: '1:1' }));
    expect(await lockHolder(path)).toMatchObject({ pid: process.pid });
  });
});
