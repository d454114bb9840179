import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { readJournal, removeJournal, writeJournal, type Journal } from './journal.ts';
import { homeNames, machineNames, type HomeNames, type MachineNames } from './names.ts';
import { forgetSettled, sweepOperations } from './operation-record.ts';

const directory = useTemporaryDirectory();
let home: HomeNames;
let names: MachineNames;

beforeEach(() => {
  home = homeNames(join(directory(), 'home'));
  names = machineNames(join(home.machines, 'a.vmwarevm', 'a.vmx'));
  mkdirSync(names.directory, { recursive: true });
});

const journal: Journal = {
  kind: 'revert',
  uid: 4,
  layers: [{ slot: 'nvme0:0', from: 'disk0.qcow2', to: 'disk0-000001.qcow2' }],
};
const tidy: Journal = { kind: 'tidy', paused: false };
const records = () => readdirSync(home.operations);
const refused = { code: 'BROKEN_MACHINE' };

describe('the journal', () => {
  it('is read back as it was written, until it is removed with its record', async () => {
    expect(await readJournal(home, names)).toBeUndefined();
    await writeJournal(home, names, journal);
    expect([await readJournal(home, names), records().length]).toEqual([journal, 1]);
    await removeJournal(home, names);
    expect([await readJournal(home, names), records()]).toEqual([undefined, []]);
  });

  it('is replaced by another under the same record', async () => {
    await writeJournal(home, names, journal);
    await writeJournal(home, names, tidy);
    expect([await readJournal(home, names), records().length]).toEqual([tidy, 1]);
  });

  it('is written with a record of its own over a foreign one', async () => {
    writeFileSync(names.journal, '{"kind":"clone","identity":null,"nonce":"00"}');
    await writeJournal(home, names, tidy);
    expect(await readJournal(home, names)).toEqual(tidy);
  });

  const hostile = [
    'not JSON',
    '[]',
    'null',
    '{"kind":"format"}',
    '{"kind":"revert","uid":1,"layers":[{"slot":"a","from":"b","to":"../../etc/passwd"}]}',
    '{"kind":"layer","layers":[{"slot":"a","from":"b","to":"/etc/passwd"}],"snapshot":null,"paused":false}',
    '{"kind":"layer","layers":"all"}',
    '{"kind":"layer","layers":[],"snapshot":{"uid":1,"disks":[{"fileName":"disk0.qcow2"}]},"paused":false}',
  ];
  it.each(hostile)('is rejected if it is %s', async (text) => {
    writeFileSync(names.journal, text);
    await expect(readJournal(home, names)).rejects.toMatchObject(refused);
  });
});

describe('a journal that this home has not recorded', () => {
  const whole = [
    '{"kind":"clone","identity":null}',
    '{"kind":"clone","identity":null,"nonce":"0123456789abcdef0123456789abcdef"}',
    '{"kind":"clone","identity":null,"nonce":"../../inventory"}',
    '{"kind":"clone","identity":null,"nonce":7}',
  ];
  it.each(whole)('is not followed: %s', async (text) => {
    writeFileSync(names.journal, text);
    await expect(readJournal(home, names)).rejects.toMatchObject(refused);
  });

  it('is not followed in the copy of a machine, and still is in the machine', async () => {
    await writeJournal(home, names, journal);
    const copy = machineNames(join(home.machines, 'b.vmwarevm', 'a.vmx'));
    cpSync(names.directory, copy.directory, { recursive: true });
    await expect(readJournal(home, copy)).rejects.toMatchObject(refused);
    expect(await readJournal(home, names)).toEqual(journal);
  });

  it('is not followed by another home', async () => {
    await writeJournal(home, names, journal);
    const other = homeNames(join(directory(), 'other'));
    await expect(readJournal(other, names)).rejects.toMatchObject(refused);
  });
});

describe('a journal is followed after a move', () => {
  it('of the machine', async () => {
    await writeJournal(home, names, journal);
    const moved = machineNames(join(directory(), 'b.vmwarevm', 'a.vmx'));
    renameSync(names.directory, moved.directory);
    expect(await readJournal(home, moved)).toEqual(journal);
  });

  it('of the home, even as a copy', async () => {
    await writeJournal(home, names, journal);
    const moved = homeNames(join(directory(), 'moved'));
    cpSync(home.home, moved.home, { recursive: true });
    const there = machineNames(join(moved.machines, 'a.vmwarevm', 'a.vmx'));
    expect(await readJournal(moved, there)).toEqual(journal);
  });
});

describe('records that a kill left behind', () => {
  it('are removed when their journal is gone', async () => {
    await writeJournal(home, names, journal);
    await sweepOperations(home, []);
    expect(records()).toHaveLength(1);
    renameSync(names.journal, join(names.directory, 'elsewhere'));
    await sweepOperations(home, []);
    expect(records()).toEqual([]);
  });

  it('are kept while the drive of the machine is not there', async () => {
    await writeJournal(home, names, journal);
    renameSync(names.directory, join(directory(), 'unplugged'));
    await sweepOperations(home, []);
    expect(records()).toHaveLength(1);
  });

  it.each([
    ['by the next daemon', async (moved: MachineNames) => await sweepOperations(home, [moved])],
    ['when it is registered', async (moved: MachineNames) => await forgetSettled(home, moved)],
  ])('of a machine that was moved are removed %s, once its journal is gone', async (_when, sweep) => {
    await writeJournal(home, names, journal);
    const moved = machineNames(join(directory(), 'moved.vmwarevm', 'a.vmx'));
    renameSync(names.directory, moved.directory);
    await sweep(moved);
    expect(await readJournal(home, moved)).toEqual(journal);
    rmSync(moved.journal);
    await sweep(moved);
    expect(records()).toEqual([]);
  });
});

describe('the record of a new machine', () => {
  it('is removed when the machine was never finished or is gone again', async () => {
    const fresh = machineNames(join(home.machines, 'new.vmwarevm', 'new.vmx'));
    const aside = join(home.machines, '.new.0badcafe.creating');
    mkdirSync(aside);
    await writeJournal(home, { vmx: fresh.vmx, journal: join(aside, 'operation.json') }, tidy);
    renameSync(aside, fresh.directory);
    await sweepOperations(home, []);
    expect(await readJournal(home, fresh)).toEqual(tidy);
    rmSync(fresh.directory, { recursive: true });
    await sweepOperations(home, []);
    expect(records()).toEqual([]);
  });
});

describe('a journal that is a link', () => {
  it('is neither read nor written through', async () => {
    const target = join(directory(), 'target');
    writeFileSync(target, 'precious');
    symlinkSync(target, names.journal);
    await expect(readJournal(home, names)).rejects.toMatchObject({ code: 'FILE_ACCESS' });
    await writeJournal(home, names, tidy);
    await removeJournal(home, names);
    expect([readFileSync(target, 'utf8'), existsSync(names.journal)]).toEqual(['precious', false]);
  });
});
