import { describe, expect, it } from 'vitest';
import { checkUploadedFiles, mainFileOf } from './uploaded-files.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path }));

describe('the names of uploaded files', () => {
  it('may be those of a bundle', () => {
    expect(() =>
      checkUploadedFiles(files('web.vmwarevm/web.vmx', 'web.vmwarevm/Übung 1.vmdk', 'web.ovf', '.hidden')),
    ).not.toThrow();
  });

  it.each([
    ['../etc/passwd'],
    ['a/../../b'],
    ['/etc/passwd'],
    ['a//b'],
    ['a/'],
    ['.'],
    ['..'],
    [''],
    ['a\0b'],
    ['a\nb'],
    ['a\\..\\b'],
    ['\uD800'],
    ['x'.repeat(256)],
    ['a/'.repeat(8) + 'b'],
    [`${'é'.repeat(120)}/`.repeat(5) + 'b'],
  ])('may not be %j', (path) => {
    expect(() => checkUploadedFiles(files('web.vmx', path))).toThrow(
      expect.objectContaining({ code: 'INVALID_NAME' }) as Error,
    );
  });

  it.each([
    ['the same twice', ['a.vmx', 'a.vmx']],
    ['the same where case does not count', ['a.vmx', 'A.VMX']],
    ['the same in another form of Unicode', ['\u00e9.vmx', 'e\u0301.vmx']],
    ['a file and a folder', ['a', 'a/b']],
    ['a folder and a file, at any depth', ['a/b/c', 'A']],
  ])('may not be %s', (_what, paths) => {
    expect(() => checkUploadedFiles(files(...paths))).toThrow(
      expect.objectContaining({ code: 'INVALID_NAME' }) as Error,
    );
  });
});

describe('the main file', () => {
  it.each([
    ['a.ova', ['a.ova']],
    ['m/web.vmx', ['m/web.vmdk', 'm/web-s001.vmdk', 'm/web.vmx', 'm/old/web.vmx']],
    ['a.ovf', ['a.mf', 'a.ovf', 'disk1.vmdk', 'disk2.vmdk']],
    ['d.vmdk', ['d-s001.vmdk', 'd-s002.vmdk', 'd.vmdk', 'd-flat.vmdk']],
    ['d.vhdx', ['d.vhdx', 'readme.txt']],
  ])('is %s', (main, paths) => {
    expect(mainFileOf(files(...paths))).toBe(main);
  });

  it('is missing, or there are two', () => {
    expect(() => mainFileOf(files('readme.txt'))).toThrow('None of these files is a machine');
    expect(() => mainFileOf(files('a.vmx', 'b.vmx'))).toThrow('a.vmx and b.vmx are two machines.');
  });
});
