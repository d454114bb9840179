import { describe, expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import {
  droppedFiles,
  imageIn,
  pickedFiles,
  readAcross,
  type Dropped,
  type Entry,
  type FileEntry,
  type FolderEntry,
  type LocalFile,
} from './local-files.ts';

const local = (path: string, content = ''): LocalFile => ({
  path,
  file: new File([content], path.split('/').at(-1) ?? ''),
});

type Tree = { readonly [name: string]: Tree | string };

/** What a browser gives for a folder, in portions of two entries. */
function entryOf(path: string, content: Tree | string): FileEntry | FolderEntry {
  const fullPath = `/${path}`;
  if (typeof content === 'string')
    return {
      ...{ fullPath, isDirectory: false },
      file: (give: (file: File) => void) => give(local(path, content).file),
    };
  const portions = Object.entries(content).map(([name, each]) => entryOf(`${path}/${name}`, each));
  const createReader = () => {
    let at = 0;
    return { readEntries: (give: (some: Entry[]) => void) => give(portions.slice(at, (at += 2))) };
  };
  return { fullPath, isDirectory: true, createReader };
}

const dropOf = (...entries: Entry[]) =>
  ({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) }) satisfies Dropped;

describe('what is dropped', () => {
  it('is all files of a folder, without what an import does not read', async () => {
    const folder = entryOf('web.vmwarevm', {
      ...{ 'web.vmx': 'a', 'web.vmdk': 'b', 'vmware.log': 'c', 'web.vmem': 'd', '.DS_Store': 'e' },
      caches: { deep: { 'x.bin': 'f' } },
    });
    const files = await droppedFiles(dropOf(folder, entryOf('web.ovf', 'g')));
    expect(files.map(({ path }) => path).sort()).toEqual([
      'web.ovf',
      'web.vmwarevm/caches/deep/x.bin',
      'web.vmwarevm/web.vmdk',
      'web.vmwarevm/web.vmx',
    ]);
  });

  it('is refused before a million files are looked at', async () => {
    let given = 0;
    const endless: FolderEntry = {
      ...{ fullPath: '/many', isDirectory: true },
      createReader: () => ({
        readEntries: (give: (some: Entry[]) => void) => {
          given += 100;
          give(Array.from({ length: 100 }, (_none, at) => entryOf(`many/${given}-${at}`, '')));
        },
      }),
    };
    expect((await refused(droppedFiles(dropOf(endless)))).code).toBe('USAGE');
    expect(given).toBeLessThan(5000);
    const picked = Array.from({ length: 5000 }, (_none, at) => new File([], `${at}.vmdk`));
    expect(() => pickedFiles(picked)).toThrow('more than 4096');
  });

  it('is an image if it is one file that is a disk or an ISO', () => {
    expect(imageIn([local('a.iso')])?.name).toBe('a.iso');
    expect(imageIn([local('a.ova')])).toBeUndefined();
    expect(imageIn([local('a.vmdk'), local('a-s001.vmdk')])).toBeUndefined();
  });

  it('is read as if it were one file', async () => {
    const files = [local('a', 'abc'), local('empty'), local('b', 'defgh')];
    const read = async (from: number, to: number) =>
      new TextDecoder().decode(await readAcross(files, from, to));
    expect(await read(0, 8)).toBe('abc');
    expect(await read(1, 2)).toBe('b');
    expect(await read(3, 8)).toBe('defgh');
    expect(await read(5, 7)).toBe('fg');
  });
});
