import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentProgress } from '../../core/progress.ts';
import { assetPath } from '../../sys/assets.ts';
import { makeKey, publish, serve } from '../debian/fixtures/signed-archive.ts';
import { buildTiny, osRelease } from './build.ts';
import { hashGuestFiles, readGuestFiles } from './guest-files.ts';
import { manifestName, type TinyManifest } from './manifest.ts';
import { layout, mayBeNeeded, recipeNumber, targets } from './recipe.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'kame-tiny-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

/** Nothing listens at this address, so any use of the network fails. */
const nowhere = 'http://127.0.0.1:9';

async function writeImage(change: Partial<TinyManifest> = {}): Promise<string> {
  const directory = join(home, 'tiny');
  await mkdir(directory);
  for (const name of ['disk.qcow2', 'kernel', 'initrd']) await writeFile(join(directory, name), name);
  const guestFiles = await readGuestFiles(assetPath('guest/tiny'), targets.aarch64);
  const file = (name: string) => ({ name, size: name.length });
  const manifest: TinyManifest = {
    recipe: `${recipeNumber}-${hashGuestFiles(guestFiles)}`,
    arch: 'aarch64',
    version: '12.9-6.1.0-1',
    kernelVersion: '6.1.0-1-arm64',
    commandLine: 'quiet',
    files: { disk: file('disk.qcow2'), kernel: file('kernel'), initrd: file('initrd') },
    packages: [],
    ...change,
  };
  await writeFile(join(directory, manifestName), JSON.stringify(manifest));
  return directory;
}

function build(
  outDir: string,
  mirror = nowhere,
  signal = new AbortController().signal,
): ReturnType<typeof buildTiny> {
  const progress = silentProgress(signal);
  const options = { arch: 'aarch64', cacheDir: join(home, 'cache'), outDir, progress, mirror } as const;
  return buildTiny({ ...options, toolsDirectory: join(home, 'no tools') });
}

describe('buildTiny', () => {
  it('uses a complete image of the same recipe without network', async () => {
    const directory = await writeImage();
    expect(await build(directory, nowhere, AbortSignal.abort())).toEqual({
      arch: 'aarch64',
      version: '12.9-6.1.0-1',
      commandLine: 'quiet',
      disk: join(directory, 'disk.qcow2'),
      kernel: join(directory, 'kernel'),
      initrd: join(directory, 'initrd'),
    });
  });

  it.each<[string, Partial<TinyManifest>]>([
    ['of another recipe', { recipe: '0-0' }],
    ['of another architecture', { arch: 'x86_64' }],
    [
      'with a file of another size',
      {
        files: {
          disk: { name: 'disk.qcow2', size: 1 },
          kernel: { name: 'kernel', size: 6 },
          initrd: { name: 'initrd', size: 6 },
        },
      },
    ],
    [
      'with a file outside of it',
      {
        files: {
          disk: { name: '../../etc/passwd', size: 1 },
          kernel: { name: 'kernel', size: 6 },
          initrd: { name: 'initrd', size: 6 },
        },
      },
    ],
  ])('does not use an image %s', async (_, change) => {
    const directory = await writeImage(change);
    await expect(build(directory, nowhere, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('does not use an image whose manifest is broken', async () => {
    const directory = await writeImage();
    await writeFile(join(directory, manifestName), '{"recipe":');
    await expect(build(directory, nowhere, AbortSignal.abort())).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('rejects an archive that Debian did not sign, and leaves nothing behind', async () => {
    const served = await serve();
    try {
      await publish(served, await makeKey('Debian, as it says'), []);
      await expect(build(join(home, 'tiny'), served.url)).rejects.toMatchObject({
        code: 'CHECKSUM_MISMATCH',
      });
      expect(await readdir(home)).toEqual([]);
    } finally {
      await served.close();
    }
  });
});

describe('the guest files', () => {
  it('match the layout of the disk', async () => {
    const files = await readGuestFiles(assetPath('guest/tiny'), targets.aarch64);
    const text = (path: string) => files.get(path)?.data.toString() ?? '';
    expect(text('init')).toContain(`data_start=${layout.data.start}\n`);
    const signature = Buffer.alloc(4);
    signature.writeUInt32LE(layout.signature);
    expect(text('usr/lib/kame/ours')).toContain(` = ${signature.toString('latin1')} ]`);
    expect(layout.data.start).toBe(layout.esp.start + layout.esp.sectors);
  });

  it('name the serial console of their architecture', async () => {
    for (const target of Object.values(targets)) {
      const files = await readGuestFiles(assetPath('guest/tiny'), target);
      const inittab = files.get('etc/inittab')?.data.toString() ?? '';
      expect(inittab).toContain(`${target.serial}::respawn:`);
      expect(inittab).not.toContain('@');
    }
  });

  it('have fixed modes, whatever modes the checkout has', async () => {
    const files = await readGuestFiles(assetPath('guest/tiny'), targets.aarch64);
    const programs = [...files].filter(([, file]) => file.data.toString('latin1', 0, 2) === '#!');
    expect(programs.length).toBeGreaterThan(5);
    expect(programs.filter(([, file]) => file.mode !== 0o755).map(([path]) => path)).toEqual([]);
    expect(files.get('etc/shadow')?.mode).toBe(0o600);
  });

  it('are read identically from a copy, and a different text has a different hash', async () => {
    await mkdir(join(home, 'etc'));
    await writeFile(join(home, 'etc/issue'), 'one');
    const one = hashGuestFiles(await readGuestFiles(home, targets.aarch64));
    await writeFile(join(home, 'etc/issue'), 'two');
    expect(hashGuestFiles(await readGuestFiles(home, targets.aarch64))).not.toBe(one);
    expect((await readFile(join(home, 'etc/issue'))).toString()).toBe('two');
  });
});

describe('mayBeNeeded', () => {
  it('keeps the modules that the guest loads and skips the rest of the kernel', () => {
    expect(mayBeNeeded('lib/modules/6.1.0-1-arm64/kernel/fs/ext4/ext4.ko')).toBe(true);
    expect(mayBeNeeded('lib/modules/6.1.0-1-arm64/kernel/drivers/gpu/drm/amd/amdgpu/amdgpu.ko')).toBe(false);
    expect(mayBeNeeded('lib/modules/6.1.0-1-arm64/modules.builtin')).toBe(false);
  });
});

describe('osRelease', () => {
  it('names the version of Debian', () => {
    expect(osRelease('12.9').split('\n')).toEqual(
      expect.arrayContaining(['ID=kame-tiny', 'VERSION_ID="12.9"']),
    );
  });
});
