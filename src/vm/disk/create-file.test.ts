import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { useWorld } from '../../../test/support/world.ts';
import { readChain } from '../../disk/chain.ts';
import { createDiskFile } from './create-file.ts';

const world = useWorld();
const temporary = useTemporaryDirectory();
const sizeBytes = 3 * 1024 ** 2;

describe('a disk that belongs to no machine', () => {
  it('is a qcow2, whatever its name', async () => {
    const directory = temporary();
    const path = join(directory, 'data.vmdk');
    expect(await createDiskFile(world().host, { path, sizeBytes })).toEqual({ path, sizeBytes });
    const chain = await readChain(path, { inside: [directory], tables: true });
    expect(chain).toMatchObject({ format: 'qcow2', virtualSize: sizeBytes });
    expect(readdirSync(directory)).toEqual(['data.vmdk']);
  });

  it('replaces nothing, and leaves nothing after a failure', async () => {
    const directory = temporary();
    const path = join(directory, 'data.vmdk');
    writeFileSync(path, 'mine');
    const codes = async (change: object) =>
      (await refused(createDiskFile(world().host, { path, sizeBytes, ...change }))).code;
    expect(await codes({})).toBe('ALREADY_EXISTS');
    expect(await codes({ path: 'relative.vmdk' })).toBe('USAGE');
    expect(await codes({ sizeBytes: 1 })).toBe('INVALID_VALUE');
    expect(await codes({ path: join(directory, 'none', 'a.vmdk') })).not.toBe('INTERNAL');
    expect(readdirSync(directory)).toEqual(['data.vmdk']);
  });
});
