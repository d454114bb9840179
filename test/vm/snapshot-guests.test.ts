import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { Guest } from '../support/guest.ts';
import { homeTest as it } from '../support/home-test.ts';
import { become, diskLook, diskOf, look } from '../support/marks.ts';

async function md5(path: string): Promise<string> {
  return createHash('md5')
    .update(await readFile(path))
    .digest('hex');
}

it('memory and disk of a machine with an Intel processor are restored', async ({ home }) => {
  const intel = new Guest(home, 'intel');
  await home.json('create', 'intel', '--arch', 'x86_64', '--memory', '256MiB');
  await intel.start();
  const before = await become(intel, 'intel');
  expect(await intel.take('a')).toMatchObject({ memory: true, state: 'running' });
  await become(intel, 'what is lost');
  expect(await intel.revert('a')).toMatchObject({ state: 'running' });
  expect(await intel.sh(look)).toBe(before);
  await home.json('snapshot', 'delete', 'intel', 'a');
  expect(await intel.sh(look)).toBe(before);
});

it('the variables of a machine with EFI are restored too', async ({ home }) => {
  const efi = new Guest(home, 'efi');
  await home.json('create', 'efi', '--memory', '256MiB', '--cpus', '1', '--set', 'boot=firmware');
  await efi.start();
  const before = await become(efi, 'efi');
  await efi.take('a');
  const nvram = efi.file('efi.nvram');
  const taken = await md5(nvram);
  await efi.stop();
  {
    // As if the firmware had written to its variables meanwhile.
    await using file = await open(nvram, 'r+');
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, 1024 * 1024);
  }
  expect(await efi.revert('a')).toMatchObject({ state: 'running' });
  expect(await efi.sh(look)).toBe(before);
  expect(await md5(nvram)).toBe(taken);
  // And it boots with them.
  await efi.sh('sync');
  await efi.stop();
  await efi.start();
  expect(await efi.sh(diskLook)).toBe(diskOf('efi'));
  expect(existsSync(efi.file('checkpoints', '1', 'nvram'))).toBe(true);
});
