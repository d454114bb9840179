import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import { openVhdx } from '../../src/disk/vhdx/vhdx-disk.ts';
import { readDisk } from './foreign-disk.ts';
import { useTemporaryDirectory } from './temporary-directory.ts';

/** A directory for each test, and what is read of a VHDX in it: its whole content, or the error. */
export function useVhdxFiles() {
  const fresh = useTemporaryDirectory();
  let directory = '';
  beforeEach(() => {
    directory = fresh();
  });
  const at = (name = ''): string => join(directory, name);
  const read = async (path: string) => await readDisk(async () => await openVhdx(path));
  const readFile = async (bytes: Buffer) => {
    writeFileSync(at('x.vhdx'), bytes);
    return await read(at('x.vhdx'));
  };
  return { at, read, readFile };
}
