import { mkdtemp, open, rm, rmdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { errnoOf } from '../../src/core/errors.ts';
import { homeTest } from './home-test.ts';
import { builtIn, type TestHome } from './home.ts';

/** Bytes. */
const mebibyte = 1024 ** 2;

/** A file system of a few MiB, in memory. Mounting it takes root, or a user namespace in which we are root. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(size: string): Promise<SmallDisk> {
    const path = await mkdtemp('/tmp/kd-');
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'kame-test', path]);
    return new SmallDisk(path);
  }

  /** Takes the room until only so many bytes are left; the result gives it back. */
  async leave(bytesLeft: number): Promise<() => Promise<void>> {
    const ballast = join(this.path, 'ballast');
    await using file = await open(ballast, 'a');
    for (;;) {
      const { bavail, bsize } = await statfs(this.path);
      const bytes = Math.min(mebibyte, bavail * bsize - bytesLeft);
      if (bytes <= 0) return async () => await rm(ballast, { force: true });
      // Others write too: it is full then, whichever program took the last of it.
      const { bytesWritten } = await file.write(Buffer.alloc(bytes, 1)).catch(full);
      if (bytesWritten === 0) return async () => await rm(ballast, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execa('umount', ['--lazy', this.path]);
    await rmdir(this.path);
  }
}

function full(error: unknown): { bytesWritten: number } {
  if (errnoOf(error) === 'ENOSPC') return { bytesWritten: 0 };
  throw error;
}

async function works(command: string, ...args: string[]): Promise<boolean> {
  return (await execa(command, args, { reject: false })).exitCode === 0;
}

/** Whether this process may mount, a user namespace has to help, or nothing does. */
export async function waysToMount(): Promise<'root' | 'namespace' | 'none'> {
  if (process.platform !== 'linux') return 'none';
  const made = await SmallDisk.make('1m').then(
    async (disk) => await disk[Symbol.asyncDispose]().then(() => true),
    () => false,
  );
  if (made) return 'root';
  return (await works('unshare', '-Urm', 'mount', '-t', 'tmpfs', 'none', '/tmp')) ? 'namespace' : 'none';
}

/** Runs tests of a file again, in a user namespace where they may mount; what it printed and how it ended. */
export async function inNamespace(
  file: string,
  pattern: string,
): Promise<{ exitCode: number | undefined; all: string }> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = ['-Urm', process.execPath, vitest, 'run', '--project', 'vm', file, '-t', pattern];
  const env = { KAME_TEST_DIST: builtIn };
  const { exitCode, all } = await execa('unshare', args, { cwd: root, reject: false, all: true, env });
  return { exitCode, all };
}

/** Tests with a home on a small disk of their own. @param size as tmpfs takes it, such as `230m` */
export function smallDiskTest(size: string) {
  return homeTest.extend<{ small: { disk: SmallDisk; home: TestHome } }>({
    small: async ({ makeHome }, use) => {
      const disk = await SmallDisk.make(size);
      await use({ disk, home: await makeHome({ parent: disk.path, on: disk }) });
    },
  });
}
