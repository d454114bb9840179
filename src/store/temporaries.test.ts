import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { temporaryName } from '../sys/files.ts';
import { sweepTemporaries } from './temporaries.ts';

const directory = useTemporaryDirectory();

it('removes incomplete files and nothing else', async () => {
  const path = directory();
  const kept = ['a.vmx', 'lock', 'disk0.qcow2', '.hidden', 'notes.tmp', '.a.tmp'];
  const halfWritten = [
    temporaryName(join(path, 'a.vmsd')),
    join(path, 'lock.0123456789ab.tmp'),
    join(path, 'a.lock.0123456789ab.stale'),
  ];
  for (const name of kept) writeFileSync(join(path, name), '');
  for (const file of halfWritten) writeFileSync(file, '');
  await sweepTemporaries(path);
  expect(readdirSync(path).sort()).toEqual(kept.sort());
});

it('accepts a missing directory', async () => {
  await expect(sweepTemporaries(join(directory(), 'none'))).resolves.toBeUndefined();
});
