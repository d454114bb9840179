import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { body } from '../../../test/support/body.ts';
import { at, io } from '../../../test/support/disk-layers.ts';
import { vmxText } from '../../../test/support/disk-machine.ts';
import {
  mebibyte,
  quiet,
  demo,
  take,
  slots,
  vmx,
  qcow2Files,
  refusal,
  useDemo,
} from '../../../test/support/disk-verbs.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { writeJournal } from '../../store/journal.ts';
import { machineNames } from '../../store/names.ts';
import { clone } from '../clone/clone.ts';
import { findBundle } from '../host/find.ts';
import { settle } from '../host/settle.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { deleteSnapshot } from '../snapshot/snapshots.ts';
import { addDisk } from './add.ts';
import { removeDisk } from './remove.ts';

useDemo();

describe('remove', () => {
  const remove = async (which: string, keepFile = false) =>
    await removeDisk(demo.host, 'demo', which, { keepFile });

  it('removes the disk with its file and all its keys', async () => {
    const more = ['nvme0:1.present = "TRUE"', 'nvme0:1.fileName = "data.qcow2"', 'nvme0:1.redo = ""'];
    writeFileSync(demo.vmx, vmxText('demo', more));
    copyFileSync(demo.file('disk0.qcow2'), demo.file('data.qcow2'));
    expect(await remove('data.qcow2')).toEqual({
      slot: 'nvme0:1',
      path: demo.file('data.qcow2'),
      fileKept: false,
    });
    expect([vmx(), qcow2Files()]).toEqual([vmxText('demo'), ['disk0.qcow2']]);
  });

  it('keeps the file on request, and names it', async () => {
    expect(await remove('nvme0:0', true)).toMatchObject({ path: demo.file('disk0.qcow2'), fileKept: true });
    expect([await slots(), qcow2Files()]).toEqual([[], ['disk0.qcow2']]);
  });

  it('never deletes a file outside of the machine’s directory', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('far.qcow2'), '1M');
    const more = ['nvme0:1.present = "TRUE"', `nvme0:1.fileName = "${at('far.qcow2')}"`];
    writeFileSync(demo.vmx, vmxText('demo', more));
    expect(await remove('nvme0:1')).toMatchObject({ path: at('far.qcow2'), fileKept: true });
    expect(existsSync(at('far.qcow2'))).toBe(true);
  });

  it('deletes a linked clone’s own layer, but not its base', async () => {
    await clone(demo.host, 'demo', body('machines.clone', { name: 'copy', kind: 'linked' }), quiet);
    const before = qcow2Files();
    await removeDisk(demo.host, 'copy', 'nvme0:0', { keepFile: false });
    expect(qcow2Files()).toEqual(before);
    const copy = join(at('home'), 'machines', 'copy.vmwarevm');
    expect(readdirSync(copy).filter((name) => name.endsWith('.qcow2'))).toEqual([]);
  });

  it('is refused while a snapshot holds the disk, by its name', async () => {
    await take('precious');
    const { code, text } = await refusal(remove('nvme0:0'));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringMatching(/precious.*--keep-file/)]);
    expect(qcow2Files()).toEqual(['disk0-000001.qcow2', 'disk0.qcow2']);
  });

  it('is refused while a snapshot would bring back the .vmx that names an independent disk', async () => {
    const more = ['nvme0:1.present = "TRUE"', 'nvme0:1.fileName = "data.qcow2"'];
    writeFileSync(demo.vmx, vmxText('demo', [...more, 'nvme0:1.mode = "independent-persistent"']));
    copyFileSync(demo.file('disk0.qcow2'), demo.file('data.qcow2'));
    await take('one');
    expect(await refusal(remove('nvme0:1'))).toMatchObject({ code: 'WRONG_STATE' });
  });

  it('keeps a disk under snapshots as one whole file; the snapshots stay what they were', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 1 0 1M', 'write -P 1 8M 1M']);
    await take('one');
    io(demo.file('disk0-000001.qcow2'), ['write -P 2 8M 1M']);
    const { path, fileKept } = await remove('nvme0:0', true);
    expect([path, fileKept]).toEqual([demo.file('disk0-kept.qcow2'), true]);
    expect(await slots()).toEqual([]);
    // Neither the next snapshot nor the end of the first one takes anything of it.
    await take('two');
    await revertSnapshot(demo.host, 'demo', 'one', body('snapshots.revert', {}), quiet);
    expect(await slots()).toEqual([['nvme0:0', 'disk0-000001.qcow2']]);
    io(demo.file('disk0-000001.qcow2'), ['read -P 1 0 1M', 'read -P 1 8M 1M']);
    await deleteSnapshot(demo.host, 'demo', 'one', { children: true }, quiet);
    io(path, ['read -P 1 0 1M', 'read -P 2 8M 1M']);
    expect(JSON.parse(qemuImg('info', '--output=json', path))).not.toHaveProperty('backing-filename');
  });

  it('leaves a file that another machine names', async () => {
    const other = join(at('home'), 'machines', 'other.vmwarevm');
    mkdirSync(other, { recursive: true });
    const text = vmxText('other').replace('"disk0.qcow2"', `"${demo.file('disk0.qcow2')}"`);
    writeFileSync(join(other, 'other.vmx'), text.replace('dd ee"', 'dd ef"'));
    const { code, text: message } = await refusal(remove('nvme0:0'));
    expect([code, message]).toEqual(['WRONG_STATE', expect.stringContaining('a disk of other')]);
  });

  it('removes a broken disk', async () => {
    rmSync(demo.file('disk0.qcow2'));
    await createOverlay({
      path: demo.file('disk0.qcow2'),
      backing: 'gone.qcow2',
      backingFormat: 'qcow2',
      virtualSize: mebibyte,
    });
    expect(await remove('nvme0:0')).toMatchObject({ fileKept: false });
    expect([await slots(), qcow2Files()]).toEqual([[], []]);
  });

  it('that is killed is undone before the .vmx has changed, and completed after', async () => {
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const names = machineNames(demo.vmx);
    const journal = {
      kind: 'disk',
      files: [],
      kept: { from: 'disk1.qcow2', to: 'disk1-kept.qcow2' },
    } as const;
    const settled = async () => {
      await writeJournal(demo.host.names, names, journal);
      await settle(demo.host, await findBundle(demo.host, 'demo'));
      return qcow2Files();
    };
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1.qcow2']);
    writeFileSync(demo.vmx, vmxText('demo'));
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1-kept.qcow2']);
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1-kept.qcow2']);
  });
});
