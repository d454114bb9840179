import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { readJournal, removeJournal, writeJournal, type Journal } from './journal.ts';
import { machineNames } from './names.ts';

const directory = useTemporaryDirectory();

async function someMachine(path: string) {
  const names = machineNames(join(path, 'a.vmwarevm', 'a.vmx'));
  await mkdir(dirname(names.vmx));
  return names;
}

describe('the journal', () => {
  it('is read back as it was written, until it is removed', async () => {
    const path = directory();
    const names = await someMachine(path);
    expect(await readJournal(names)).toBeUndefined();
    const journal: Journal = {
      kind: 'revert',
      uid: 4,
      layers: [{ slot: 'nvme0:0', from: 'disk0.qcow2', to: 'disk0-000001.qcow2' }],
    };
    await writeJournal(names, journal);
    expect(await readJournal(names)).toEqual(journal);
    await removeJournal(names);
    expect(await readJournal(names)).toBeUndefined();
  });

  const hostile = [
    'not JSON',
    '[]',
    '{"kind":"format"}',
    '{"kind":"revert","uid":1,"layers":[{"slot":"a","from":"b","to":"../../etc/passwd"}]}',
    '{"kind":"layer","layers":[{"slot":"a","from":"b","to":"/etc/passwd"}],"snapshot":null,"paused":false}',
    '{"kind":"layer","layers":"all"}',
  ];
  for (const text of hostile) {
    it(`is rejected if it is ${text.slice(0, 60)}`, async () => {
      const path = directory();
      const names = await someMachine(path);
      await writeFile(names.journal, text);
      await expect(readJournal(names)).rejects.toMatchObject({ code: 'BROKEN_MACHINE' });
    });
  }

  it('of an earlier build, which named a slot a node, is understood', async () => {
    const names = await someMachine(directory());
    const snapshot = { uid: 1, disks: [{ node: 'nvme0:0', fileName: 'disk0.qcow2' }] };
    const old = { kind: 'layer', snapshot, layers: [], paused: false };
    await writeFile(names.journal, JSON.stringify(old));
    expect(await readJournal(names)).toMatchObject({
      snapshot: { disks: [{ slot: 'nvme0:0', fileName: 'disk0.qcow2' }] },
    });
  });

  it('whose snapshot has a disk without a slot is not obeyed', async () => {
    const names = await someMachine(directory());
    const snapshot = { uid: 1, disks: [{ fileName: 'disk0.qcow2' }] };
    await writeFile(names.journal, JSON.stringify({ kind: 'layer', snapshot, layers: [], paused: false }));
    await expect(readJournal(names)).rejects.toMatchObject({ code: 'BROKEN_MACHINE' });
  });
});
