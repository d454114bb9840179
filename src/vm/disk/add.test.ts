import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diskBytes, vmxText } from '../../../test/support/disk-machine.ts';
import {
  mebibyte,
  gibibyte,
  quiet,
  demo,
  slots,
  vmx,
  qcow2Files,
  refusal,
  pretendRunning,
  useDemo,
} from '../../../test/support/disk-verbs.ts';
import { readJournal, writeJournal } from '../../store/journal.ts';
import { machineNames } from '../../store/names.ts';
import { findBundle } from '../host/find.ts';
import { settle } from '../host/settle.ts';
import { addDisk } from './add.ts';
import { growDisk } from './grow.ts';

useDemo();

describe('add', () => {
  it('takes the next free slot and file name, and appears in the machine with its file', async () => {
    const added = await addDisk(demo.host, 'demo', { sizeBytes: gibibyte }, quiet);
    expect(added).toMatchObject({
      slot: 'nvme0:1',
      device: 'virtio-blk',
      path: demo.file('disk1.qcow2'),
      sizeBytes: gibibyte,
      problem: null,
      layers: [{ path: demo.file('disk1.qcow2') }],
    });
    expect(await slots()).toEqual([
      ['nvme0:0', 'disk0.qcow2'],
      ['nvme0:1', 'disk1.qcow2'],
    ]);
    expect(existsSync(demo.file('operation.json'))).toBe(false);
  });

  it('takes no name of a layer or a kept file', async () => {
    writeFileSync(demo.file('disk1-000004.qcow2'), '');
    writeFileSync(demo.file('Disk2.vmdk'), '');
    const { path } = await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    expect(path).toBe(demo.file('disk3.qcow2'));
  });

  it('goes to a new controller when all units of the guest’s device are taken', async () => {
    for (let unit = 1; unit < 8; unit += 1) await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const { slot, device } = await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    expect([slot, device]).toEqual(['nvme1:0', 'virtio-blk']);
    expect(vmx()).toContain('nvme1.present = "TRUE"');
  });

  it('makes a controller for the first disk of a machine', async () => {
    writeFileSync(demo.vmx, vmxText('demo').replaceAll(/^.*nvme0.*\n/gm, ''));
    expect(await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet)).toMatchObject({
      slot: 'nvme0:0',
      device: 'virtio-blk',
    });
  });

  it.each([
    ['nvme0:0', 'ALREADY_EXISTS', /nvme0:0 is already in use/],
    ['nvme0:8', 'INVALID_VALUE', /units 0 to 7/],
    ['scsi0:1', 'INVALID_VALUE', /it has nvme0.*nvme0 to nvme3/],
    ['nvme4:0', 'INVALID_VALUE', /nvme0 to nvme3/],
    ['disk', 'INVALID_VALUE', /such as nvme0:1/],
    ['nvme00:1', 'INVALID_VALUE', /such as nvme0:1/],
  ] as const)('the slot %s is refused', async (slot, code, text) => {
    const refused = await refusal(addDisk(demo.host, 'demo', { sizeBytes: mebibyte, slot }, quiet));
    expect([refused.code, refused.text]).toEqual([code, expect.stringMatching(text)]);
    expect(qcow2Files()).toEqual(['disk0.qcow2']);
  });

  it.each([1, 64 * 1024 * gibibyte + 1])('%d bytes are refused', async (sizeBytes) => {
    const { code, text } = await refusal(addDisk(demo.host, 'demo', { sizeBytes }, quiet));
    expect([code, text]).toEqual(['INVALID_VALUE', expect.stringContaining('1 MiB to 64 TiB')]);
  });

  it('needs a stopped machine, and says so', async () => {
    pretendRunning();
    const { code, text } = await refusal(addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringContaining('kame stop demo')]);
  });

  it('is refused for a suspended machine', async () => {
    writeFileSync(demo.vmx, vmxText('demo', ['checkpoint.vmState = "demo.vmss"']));
    const { code, text } = await refusal(addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringContaining('suspended')]);
  });

  it('leaves no file if it is killed before the .vmx names it; after that, it is complete', async () => {
    const journal = { kind: 'disk', files: ['disk1.qcow2'], kept: null } as const;
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const names = machineNames(demo.vmx);
    await writeJournal(demo.host.names, names, journal);
    await settle(demo.host, await findBundle(demo.host, 'demo'));
    expect(qcow2Files()).toEqual(['disk0.qcow2', 'disk1.qcow2']);

    writeFileSync(demo.vmx, vmxText('demo'));
    writeFileSync(demo.file('.disk1.qcow2.0123456789ab.tmp'), 'half');
    await writeJournal(demo.host.names, names, journal);
    await settle(demo.host, await findBundle(demo.host, 'demo'));
    expect([qcow2Files(), await readJournal(demo.host.names, names)]).toEqual([['disk0.qcow2'], undefined]);
  });
});

describe('a disk', () => {
  it.each(['nvme0:0', 'disk0.qcow2'])('is found by %s', async (name) => {
    expect(await growDisk(demo.host, 'demo', name, { sizeBytes: diskBytes }, quiet)).toMatchObject({
      slot: 'nvme0:0',
    });
  });

  it('that does not exist is refused, and the existing ones are named', async () => {
    const { text } = await refusal(growDisk(demo.host, 'demo', 'nvme0:1', { sizeBytes: gibibyte }, quiet));
    expect(text).toContain('Did you mean nvme0:0?');
    expect(text).toContain('nvme0:0 (disk0.qcow2)');
  });
});
