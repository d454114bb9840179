import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import type { ArchiveEntry } from '../../archive/tar/entry.ts';
import type { ArchiveItem } from '../../archive/tar-read.ts';
import { DiskFile } from './disk-file.ts';
import { badArchive, DiskWriter } from './disk-writer.ts';

const directory = useTemporaryDirectory();
const mebibyte = 1024 * 1024;

/** A file, whose content is not a hole. */
function file(path: string, size: number): ArchiveItem {
  const entry: ArchiveEntry = {
    path,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    size,
    linkName: '',
  };
  async function* content(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(Buffer.alloc(size, 1));
  }
  return { entry, content: content() };
}

/** A writer of small disks, each of which a full file system of the host does not let be completed. */
function onFullHost(place: string): DiskWriter {
  return new DiskWriter({
    create: async () => {
      const disk = await DiskFile.create(join(place, 'copy-0'), 4 * mebibyte);
      disk.finish = async () => await Promise.reject(new Error('full'));
      return disk;
    },
    plug: async () => await Promise.resolve(),
    refuse: badArchive,
  });
}

describe('a disk that cannot be completed', () => {
  it.each([
    ['the last one', (writer: DiskWriter) => writer.end()],
    ['one of several', (writer: DiskWriter) => writer.add(file('big', 8 * mebibyte))],
  ])('is removed with the copy: %s', async (_which, complete) => {
    const place = directory();
    const writer = onFullHost(place);
    await writer.add(file('first', 300 * 1024));
    await expect(complete(writer)).rejects.toThrow('full');
    expect(readdirSync(place)).toEqual(['copy-0']);
    await writer.discard();
    expect(readdirSync(place)).toEqual([]);
  });
});
