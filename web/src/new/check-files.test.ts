import { expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { checkFiles } from './check-files.ts';
import type { LocalFile } from './local-files.ts';

/** A file of a mebibyte with some bytes at a place; from its end, if that is negative. */
function withBytes(path: string, at: number, bytes: string): LocalFile {
  const content = Buffer.alloc(1024 * 1024);
  content.write(bytes, at < 0 ? content.length + at : at, 'latin1');
  return { path, file: new File([content], path) };
}

const bootable = (path: string) => withBytes(path, 510, '\u0055\u00aa');

it.each([
  ['a VHD disk', 'old.vhd', -512, 'conectix'],
  ['a VHD disk', 'old.vhd', 0, 'conectix'],
  ['a VHD disk', 'misnamed.vmdk', -512, 'conectix'],
  ['compressed with gzip', 'disk.img.gz', 0, '\u001f\u008b'],
  ['an Apple disk image (DMG)', 'install.dmg', -512, 'koly'],
  ['a ZIP archive', 'machine.zip', 0, 'PK\u0003\u0004'],
])('refuses %s before it is sent: %s', async (what, path, at, bytes) => {
  expect(await refused(checkFiles([withBytes(path, at, bytes)]))).toMatchObject({
    code: 'BAD_IMAGE',
    message: `${path} is ${what}, which is not supported.`,
  });
});

it('refuses what has no content of a disk, and what is no machine', async () => {
  const unknown = await refused(checkFiles([withBytes('notes.img', 0, 'hello')]));
  expect(unknown.message).toContain('notes.img has an unknown format');
  const empty = { path: 'a.iso', file: new File([], 'a.iso') };
  expect((await refused(checkFiles([empty]))).message).toBe('a.iso is empty.');
  const text = { path: 'readme.txt', file: new File(['hello'], 'readme.txt') };
  expect((await refused(checkFiles([text]))).message).toContain('None of these files is a machine');
});

const taken: readonly (readonly [string, readonly LocalFile[]])[] = [
  ['a raw disk', [bootable('raw.img')]],
  ['a raw disk with another name', [bootable('raw.vhd')]],
  ['an ISO', [withBytes('a.iso', 32_769, 'CD001')]],
  ['a VDI', [withBytes('a.vdi', 64, '\u007f\u0010\u00da\u00be')]],
  ['an appliance', [withBytes('a.ova', 257, 'ustar')]],
  ['a machine that may not use it', [withBytes('m/m.vmx', 0, 'x'), withBytes('m/stray.vhd', 0, 'conectix')]],
];

it.each(taken)('takes %s', async (_what, files) => {
  await expect(checkFiles(files)).resolves.toBeUndefined();
});
