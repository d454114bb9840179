import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { ImageFile } from './format/image-file.ts';
import { filesOfDisk, filesOfDisks } from './disk-files.ts';
import { createOverlay } from './overlay.ts';

const size = 1024 * 1024;
const overlay = async (path: string, backing: string) =>
  await createOverlay({ path, backing, backingFormat: 'raw', virtualSize: size, sync: false });

const temporary = useTemporaryDirectory();

async function inDirectory(work: (file: (...names: string[]) => string) => Promise<void>): Promise<void> {
  const real = realpathSync(temporary());
  await work((...names) => join(real, ...names));
}

describe('filesOfDisk', () => {
  it('finds all files, in whatever directory', async () => {
    await inDirectory(async (file) => {
      mkdirSync(file('a'));
      mkdirSync(file('b'));
      writeFileSync(file('b', 'base'), Buffer.alloc(size));
      await overlay(file('a', 'top'), '../b/base');
      const { files, missing } = await filesOfDisk(file('a', 'top'));
      expect(files).toMatchObject([
        { path: file('a', 'top'), format: 'qcow2', backingName: '../b/base' },
        { path: file('b', 'base'), format: 'raw', backingName: null },
      ]);
      expect(missing).toBeNull();
    });
  });

  it('goes up from where a linked directory is, as the kernel does', async () => {
    await inDirectory(async (file) => {
      mkdirSync(file('real', 'a'), { recursive: true });
      symlinkSync(file('real', 'a'), file('link'));
      writeFileSync(file('real', 'base'), Buffer.alloc(size));
      await overlay(file('real', 'a', 'top'), '../base');
      const { files } = await filesOfDisk(file('link', 'top'));
      expect(files.map(({ path }) => path)).toEqual([file('real', 'a', 'top'), file('real', 'base')]);
    });
  });

  it('names the first file that cannot be read', async () => {
    await inDirectory(async (file) => {
      await overlay(file('top'), 'gone/base');
      expect(await filesOfDisk(file('top'))).toMatchObject({
        files: [{ path: file('top') }],
        missing: file('gone', 'base'),
      });
      expect(await filesOfDisk(file('none'))).toEqual({ files: [], originals: [], missing: file('none') });
      mkdirSync(file('directory'));
      expect(await filesOfDisk(file('directory'))).toEqual({
        files: [],
        originals: [],
        missing: file('directory'),
      });
      await overlay(file('net'), './nbd:host');
      expect((await filesOfDisk(file('net'))).missing).toBe(file('nbd:host'));
    });
  });

  it('ends at a loop', async () => {
    await inDirectory(async (file) => {
      await overlay(file('a'), 'b');
      await overlay(file('b'), 'a');
      expect(await filesOfDisk(file('a'))).toMatchObject({ files: [{}, {}], missing: file('a') });
    });
  });
});

describe('filesOfDisks', () => {
  it('reads each layer once, however many disks build on it', async () => {
    await inDirectory(async (file) => {
      const layers = 40;
      writeFileSync(file('0'), Buffer.alloc(size));
      const tops = Array.from({ length: layers }, (_none, index) => file(String(index)));
      for (let layer = 1; layer < layers; layer += 1) await overlay(file(String(layer)), String(layer - 1));
      const opened = vi.spyOn(ImageFile, 'open');
      const found = await filesOfDisks(tops);
      expect(opened).toHaveBeenCalledTimes(layers);
      opened.mockRestore();
      expect(found.at(-1)?.files).toHaveLength(layers);
      expect(found[5]).toEqual(await filesOfDisk(file('5')));
    });
  });
});
