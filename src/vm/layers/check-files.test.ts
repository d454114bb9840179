import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { someModel } from '../../../test/support/plan-inputs.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { machineNames } from '../../store/names.ts';
import { checkFiles } from './chains.ts';

const fresh = useTemporaryDirectory();
let directory = '';

beforeEach(() => {
  directory = fresh();
});

/** Checks the files of a PC with one floppy image. */
async function check(fileName: string): Promise<void> {
  const floppies = [{ index: 0, fileName, startConnected: true }];
  const model = someModel({ arch: 'x86_64', guestOS: 'other', floppies });
  const names = machineNames(join(directory, 'old.vmx'));
  await checkFiles({ names, name: 'old', problems: [], broken: null }, model);
}

describe('the image of a floppy', () => {
  it('is a regular file of at most 2.88 MB', async () => {
    writeFileSync(join(directory, 'boot.flp'), Buffer.alloc(1440 * 1024));
    await expect(check('boot.flp')).resolves.toBeUndefined();
  });

  it.each([
    ['that is not there', () => undefined, /does not exist/],
    ['that is a link', (path: string) => symlinkSync('/etc/passwd', path), /not a regular file/],
    ['that is a directory', (path: string) => mkdirSync(path), /not a regular file/],
    ['that is empty', (path: string) => writeFileSync(path, ''), /has 0 bytes/],
    [
      'that is no floppy',
      (path: string) => {
        writeFileSync(path, '');
        truncateSync(path, 3 * 1024 * 1024);
      },
      /has 3145728 bytes, and a floppy 1 to 2949120/,
    ],
  ])('%s keeps the machine from starting, and the advice takes it out', async (_name, make, message) => {
    make(join(directory, 'boot.flp'));
    expect(await refused(check('boot.flp'))).toMatchObject({
      code: 'FILE_ACCESS',
      message: like(message),
      next: like(/kame set old floppy0\.present=FALSE/),
    });
  });

  it('elsewhere is not looked at, because the guest does not get it', async () => {
    await expect(check('/nowhere/boot.flp')).resolves.toBeUndefined();
    await expect(check('../boot.flp')).resolves.toBeUndefined();
  });
});
