import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { KameError } from '../core/errors.ts';
import {
  readCheckpointRecord,
  readWaitingRecord,
  writeCheckpointRecord,
  type CheckpointRecord,
} from './checkpoint.ts';
import { checkpointNames, machineNames, suspendedIn, vmStateOf, type CheckpointNames } from './names.ts';

const someRecord: CheckpointRecord = {
  format: 1,
  engine: {
    version: '7.2.22',
    arch: 'aarch64',
    machineType: 'virt-7.2',
    cpu: 'max,pauth-impdef=on',
    accelerator: 'tcg',
    memoryMiB: 1,
    cpus: 2,
  },
  ram: {
    kind: 'file',
    size: 1_048_576,
    extents: [
      [0, 4096],
      [8192, 4096],
    ],
  },
  stateBytes: 5,
  wasRunning: true,
  takenAt: '2026-11-24T12:00:00.000Z',
};

async function made(path: string, record: unknown = someRecord): Promise<CheckpointNames> {
  const names = checkpointNames(machineNames(join(path, 'a.vmwarevm', 'a.vmx')), '3');
  await mkdir(names.directory, { recursive: true });
  await writeFile(names.record, JSON.stringify(record));
  await writeFile(names.state, 'state');
  await writeFile(names.ram, '');
  await truncate(names.ram, 1_048_576);
  return names;
}

const directory = useTemporaryDirectory();

describe('the record of a checkpoint', () => {
  it('is read back as it was written', async () => {
    const path = directory();
    const names = await made(path);
    await writeCheckpointRecord(names, someRecord);
    expect(await readCheckpointRecord(names)).toEqual(someRecord);
  });

  it('is rejected if the state or RAM is truncated, naming which', async () => {
    const path = directory();
    const names = await made(path);
    await truncate(names.ram, 4096);
    await expect(readCheckpointRecord(names)).rejects.toThrow('its RAM is missing or truncated');
    expect(await readWaitingRecord(names)).toEqual(someRecord);
    await truncate(names.state, 1);
    await expect(readWaitingRecord(names)).rejects.toThrow('its device state is missing or truncated');
  });

  it('is rejected if extents are outside the RAM, overlap or are not numbers', async () => {
    const path = directory();
    const bad = [
      [[0, 2_000_000]],
      [
        [0, 4096],
        [100, 4096],
      ],
      [[-1, 5]],
      [[0, 0]],
      [['0', 1]],
      [[0, 1, 2]],
      'all',
    ];
    for (const extents of bad) {
      const names = await made(path, { ...someRecord, ram: { ...someRecord.ram, extents } });
      await expect(readCheckpointRecord(names)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
    }
  });

  it('is never read from garbage', async () => {
    const path = directory();
    const names = await made(path);
    const whole = await readFile(names.record);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        await writeFile(names.record, bytes);
        const others = await readWaitingRecord(names).then(
          () => [],
          (error: unknown) =>
            error instanceof KameError && error.code === 'CHECKPOINT_MISMATCH' ? [] : [error],
        );
        expect(others).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('checkpoint.vmState', () => {
  const names = machineNames('/vm/a.vmwarevm/a.vmx');

  it('names a checkpoint of the machine', () => {
    expect(suspendedIn(names, vmStateOf(names, 's-0123abcd'))?.directory).toBe(
      '/vm/a.vmwarevm/checkpoints/s-0123abcd',
    );
    expect(suspendedIn(names, 'checkpoints/7')?.id).toBe('7');
  });

  it('never names anything else', () => {
    for (const text of [
      '',
      'a-1234.vmss',
      'checkpoints/../../x',
      'checkpoints/',
      'checkpoints/a/b',
      '/checkpoints/1',
      'other/1',
    ]) {
      expect(suspendedIn(names, text)).toBeUndefined();
    }
  });
});
