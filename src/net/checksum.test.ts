import { describe, expect, it } from 'vitest';
import { findChecksum, parseChecksum } from './checksum.ts';

describe('checksum files', () => {
  const hex = 'a'.repeat(64);
  const other = 'b'.repeat(64);
  const list = 'https://h/x/SHA256SUMS';
  it.each([
    ['GNU', `${other}  other.img\n${hex}  disk.img\n`],
    ['GNU binary', `${other} *other.img\r\n${hex} *./disk.img\r\n`],
    ['BSD', `# disk.img: 12 bytes\nSHA256 (other.img) = ${other}\nSHA256 (disk.img) = ${hex}\n`],
    [
      'signed',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${other} *other.img\n${hex} *disk.img\n-----BEGIN PGP SIGNATURE-----\n`,
    ],
    ['a bare hash', `${hex}\n`],
    ['GNU beside one of the same name in a directory', `${other}  old/disk.img\n${hex}  disk.img\n`],
  ])('in the format %s are read', (_name, text) => {
    expect(findChecksum(text, { name: 'disk.img' }, 'sha256', list)).toEqual({ algorithm: 'sha256', hex });
  });

  it.each([
    ['empty', ''],
    ['of others', `${hex}  a\n${other}  b\n`],
    ['of another algorithm', `${'c'.repeat(128)}  disk.img\n`],
    ['a page', '<html>404</html>'],
    ['of one other file', `${hex}  disk-2026.img\n`],
    ['of a file of that name elsewhere', `${hex}  old/disk.img\n`],
  ])('that are %s are rejected', (_name, text) => {
    expect(() => findChecksum(text, { name: 'disk.img' }, 'sha256', list)).toThrow(
      /does not list the sha256 of disk\.img/,
    );
  });

  it.each([
    ['GNU, with spaces', ' my image.qcow2', `${hex}   my image.qcow2\n${other}  b.qcow2\n`],
    [
      'BSD, with spaces and parentheses',
      'my (1) image.img',
      `SHA256 (my (1) image.img) = ${hex}\nSHA256 (my) = ${other}\n`,
    ],
    ['GNU, with escapes', 'a\\b\nc', `\\${hex}  a\\\\b\\nc\n${other}  a\n`],
  ])('of %s have the hash of the file', (_name, name, text) => {
    expect(findChecksum(text, { name: name.trim() }, 'sha256', list).hex).toBe(hex);
  });

  it('that were made with names with spaces never give the hash of another file: case c11', () => {
    const text = `${hex}  my image.qcow2\n${other}  b.qcow2\n`;
    expect(findChecksum(text, { name: 'my image.qcow2' }, 'sha256', list).hex).toBe(hex);
    expect(findChecksum(text, { name: 'b.qcow2' }, 'sha256', list).hex).toBe(other);
    for (const name of ['image.qcow2', 'my', 'c.qcow2'])
      expect(() => findChecksum(text, { name }, 'sha256', list)).toThrow(/does not list/);
  });

  it('above the directory of a file name it by its path', () => {
    const text = `${other}  arm64/disk.img\n${hex}  ./amd64/disk.img\n`;
    const file = (path: string) => ({ name: 'disk.img', url: `https://h/x/${path}` });
    expect(findChecksum(text, file('amd64/disk.img'), 'sha256', list).hex).toBe(hex);
    expect(findChecksum(text, { name: 'arm64/disk.img' }, 'sha256', list).hex).toBe(other);
    for (const wrong of [
      file('disk.img'),
      file('old/disk.img'),
      { name: 'disk.img', url: 'https://i/x/amd64/disk.img' },
    ])
      expect(() => findChecksum(text, wrong, 'sha256', list)).toThrow(/does not list/);
  });

  it('that also list a file of the same name elsewhere have the hash of the right one', () => {
    const text = `${other}  disk.img\n${hex}  sub/disk.img\n`;
    const url = 'https://h/x/sub/disk.img';
    expect(findChecksum(text, { name: 'disk.img', url }, 'sha256', list).hex).toBe(hex);
    expect(findChecksum(text, { name: 'sub/disk.img', url }, 'sha256', list).hex).toBe(hex);
    expect(findChecksum(text, { name: 'disk.img', url: 'https://h/x/disk.img' }, 'sha256', list).hex).toBe(
      other,
    );
  });

  it('of one file have its hash, whatever name that has there', () => {
    const text = `SHA256 (disk-2026.img) = ${hex}\n`;
    expect(findChecksum(text, { name: 'disk.img' }, 'sha256', 'https://h/disk.img.CHECKSUM').hex).toBe(hex);
  });

  it('that list a file twice, with different hashes, prove nothing', () => {
    const text = `${hex}  disk.img\n${other}  disk.img\n`;
    expect(() => findChecksum(text, { name: 'disk.img' }, 'sha256', list)).toThrow(
      /lists 2 different sha256/,
    );
  });

  it('checksums are read in every common notation', () => {
    expect(parseChecksum(`sha256=${hex.toUpperCase()}`)).toEqual({ algorithm: 'sha256', hex });
    expect(parseChecksum(`sha512:${'c'.repeat(128)}`)?.algorithm).toBe('sha512');
    expect(parseChecksum(hex)?.algorithm).toBe('sha256');
    expect(parseChecksum(`sha512=${hex}`)).toBeUndefined();
    expect(parseChecksum('md5=abc')).toBeUndefined();
  });
});
