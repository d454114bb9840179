import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { at, io, qemuImg } from '../../../test/support/disk-layers.ts';
import { diskBytes, diskMachine, vmxText, type DiskMachine } from '../../../test/support/disk-machine.ts';
import { KameError, type ErrorCode } from '../../core/errors.ts';
import { silentProgress, type ProgressReport } from '../../core/progress.ts';
import { createOverlay } from '../../disk/overlay.ts';
import { machineNames } from '../../store/names.ts';
import { readOperation, writeOperation } from '../../store/operation.ts';
import { deleteSnapshot, takeSnapshot } from '../checkpoint/snapshots.ts';
import { revertSnapshot } from '../checkpoint/revert.ts';
import { settle } from '../checkpoint/settle.ts';
import { clone } from '../clone/clone.ts';
import { findMachine } from '../find.ts';
import type { RunningMachine } from '../running.ts';
import { addDisk } from './add.ts';
import { checkDisks } from './check.ts';
import { compactDisk } from './compact.ts';
import { growDisk } from './grow.ts';
import { listDisks } from './list.ts';
import { removeDisk } from './remove.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const quiet = silentProgress();
let demo: DiskMachine;

beforeEach(() => {
  demo = diskMachine(at('home'));
});

const take = async (label: string) => await takeSnapshot(demo.host, 'demo', { label }, quiet);
const slots = async (machine = 'demo') =>
  (await listDisks(demo.host, machine)).map(({ slot, path }) => [slot, path.split('/').at(-1)]);
const vmx = () => readFileSync(demo.vmx, 'utf8');
const qcow2Files = () =>
  readdirSync(demo.directory)
    .filter((name) => name.includes('qcow2'))
    .sort();

async function refusal(work: Promise<unknown>): Promise<{ code: ErrorCode; text: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KameError)) throw new Error(`No KameError: ${String(error)}`);
  return { code: error.code, text: `${error.message} ${error.next}` };
}

/** As if its engine ran; nothing here asks it anything. */
function pretendRunning(): void {
  const names = machineNames(demo.vmx);
  demo.host.running.add({ names, name: 'demo', state: 'running' } as unknown as RunningMachine);
}

describe('add', () => {
  it('takes the next free slot and file name, and the machine has it with its file', async () => {
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

  it('takes no name that a layer or a kept file has', async () => {
    writeFileSync(demo.file('disk1-000004.qcow2'), '');
    writeFileSync(demo.file('Disk2.vmdk'), '');
    const { path } = await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    expect(path).toBe(demo.file('disk3.qcow2'));
  });

  it('goes to a new controller when all units that the guest’s device has are taken', async () => {
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
    ['nvme0:0', 'ALREADY_EXISTS', /drive at nvme0:0/],
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

  it('is refused to a suspended machine', async () => {
    writeFileSync(demo.vmx, vmxText('demo', ['checkpoint.vmState = "demo.vmss"']));
    const { code, text } = await refusal(addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringContaining('suspended')]);
  });

  it('cut short before the .vmx names the file leaves none; after it, all', async () => {
    const operation = { kind: 'disk', files: ['disk1.qcow2'], kept: null } as const;
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const names = machineNames(demo.vmx);
    await writeOperation(names, operation);
    await settle(demo.host, await findMachine(demo.host, 'demo'));
    expect(qcow2Files()).toEqual(['disk0.qcow2', 'disk1.qcow2']);

    writeFileSync(demo.vmx, vmxText('demo'));
    writeFileSync(demo.file('.disk1.qcow2.0123456789ab.tmp'), 'half');
    await writeOperation(names, operation);
    await settle(demo.host, await findMachine(demo.host, 'demo'));
    expect([qcow2Files(), await readOperation(names)]).toEqual([['disk0.qcow2'], undefined]);
  });
});

describe('a disk', () => {
  it.each(['nvme0:0', 'disk0.qcow2'])('is meant by %s', async (name) => {
    expect(await growDisk(demo.host, 'demo', name, { sizeBytes: diskBytes }, quiet)).toMatchObject({
      slot: 'nvme0:0',
    });
  });

  it('that is not there is refused with those there are', async () => {
    const { text } = await refusal(growDisk(demo.host, 'demo', 'nvme0:1', { sizeBytes: gibibyte }, quiet));
    expect(text).toContain('Did you mean nvme0:0?');
    expect(text).toContain('nvme0:0 (disk0.qcow2)');
  });
});

describe('grow', () => {
  const grow = async (sizeBytes: number, progress = quiet) =>
    await growDisk(demo.host, 'demo', 'nvme0:0', { sizeBytes }, progress);

  it('makes the disk larger, keeps its content and says what is left to the guest', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 5 1M 1M']);
    const reports: ProgressReport[] = [];
    const progress = { signal: quiet.signal, report: (report: ProgressReport) => void reports.push(report) };
    expect(await grow(gibibyte + 1, progress)).toMatchObject({ sizeBytes: gibibyte + 512, problem: null });
    io(demo.file('disk0.qcow2'), ['read -P 5 1M 1M', 'read -P 0 512M 1M']);
    expect(reports.at(-1)?.stage).toContain('the guest’s to grow');
  });

  it.each([
    [diskBytes - 512, /can’t be shrunk/],
    [64 * 1024 * gibibyte + 512, /at most 64 TiB/],
  ])('to %d bytes is refused', async (sizeBytes, text) => {
    const refused = await refusal(grow(sizeBytes));
    expect([refused.code, refused.text]).toEqual(['INVALID_VALUE', expect.stringMatching(text)]);
  });

  it('is refused under snapshots, by their names, with what to do', async () => {
    await take('before');
    await take('after');
    const { code, text } = await refusal(grow(gibibyte));
    expect([code, text]).toEqual(['WRONG_STATE', expect.stringMatching(/before, after.*--full/)]);
    // A disk that came later is in none of them.
    const { slot } = await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const grown = await growDisk(demo.host, 'demo', slot, { sizeBytes: 2 * mebibyte }, quiet);
    expect(grown.sizeBytes).toBe(2 * mebibyte);
  });

  it('works on a linked clone, and its parent keeps its size', async () => {
    await clone(demo.host, 'demo', { name: 'copy', kind: 'linked' }, quiet);
    expect(await growDisk(demo.host, 'copy', 'nvme0:0', { sizeBytes: gibibyte }, quiet)).toMatchObject({
      sizeBytes: gibibyte,
      problem: null,
    });
    expect((await listDisks(demo.host, 'demo'))[0]?.sizeBytes).toBe(diskBytes);
    expect((await checkDisks(demo.host, 'copy', null, {}, quiet)).ok).toBe(true);
  });

  it('is refused for a file that others share', async () => {
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    expect(await refusal(grow(gibibyte))).toMatchObject({ code: 'HAS_CLONES' });
  });
});

describe('compact', () => {
  const compact = async () => await compactDisk(demo.host, 'demo', 'nvme0:0', quiet);

  it('gives zeros back and reports the bytes', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M', 'write -P 0 4M 16M']);
    const { bytesFreed, slot, problem } = await compact();
    expect([slot, problem]).toEqual(['nvme0:0', null]);
    expect(bytesFreed).toBeGreaterThan(15 * mebibyte);
    io(demo.file('disk0.qcow2'), ['read -P 1 0 4M', 'read -P 0 4M 16M']);
  });

  it('rewrites only the top layer where there are snapshots', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 0 0 8M']);
    await take('one');
    const frozen = statSync(demo.file('disk0.qcow2'));
    io(demo.file('disk0-000001.qcow2'), ['write -P 0 8M 8M']);
    expect((await compact()).bytesFreed).toBeGreaterThan(7 * mebibyte);
    const after = statSync(demo.file('disk0.qcow2'));
    expect([after.ino, after.mtimeMs]).toEqual([frozen.ino, frozen.mtimeMs]);
  });

  it('leaves alone a file that a snapshot names, or that others share', async () => {
    await take('one');
    writeFileSync(demo.vmx, vmxText('demo'));
    expect(await refusal(compact())).toMatchObject({ code: 'WRONG_STATE' });
    rmSync(demo.file('demo.vmsd'));
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    expect(await refusal(compact())).toMatchObject({ code: 'HAS_CLONES' });
  });
});

describe('check', () => {
  const check = async (options: { repair?: boolean } = {}) =>
    await checkDisks(demo.host, 'demo', null, options, quiet);
  /** Clusters that nothing refers to: counted by a table that was made for a larger use. */
  const leak = (name: string) => {
    io(demo.file(name), ['write -P 1 0 4M']);
    const bytes = readFileSync(demo.file(name));
    const l1 = Number(bytes.readBigUInt64BE(40));
    const l2 = Number(bytes.readBigUInt64BE(l1) & 0x00ff_ffff_ffff_fe00n);
    // The guest’s first clusters are forgotten, and their counts stay.
    bytes.fill(0, l2, l2 + 8 * 10);
    writeFileSync(demo.file(name), bytes);
  };

  it('looks at each layer', async () => {
    await take('one');
    const { ok, layers } = await check();
    expect(ok).toBe(true);
    expect(layers).toEqual(
      ['disk0-000001.qcow2', 'disk0.qcow2'].map((name) => ({
        slot: 'nvme0:0',
        path: demo.file(name),
        ok: true,
        corruptions: 0,
        leaks: 0,
        repaired: 0,
        message: 'clean',
      })),
    );
  });

  it('tells leaks, and gives them back when asked', async () => {
    leak('disk0.qcow2');
    expect((await check()).layers).toMatchObject([{ ok: true, leaks: 10, repaired: 0 }]);
    expect((await check({ repair: true })).layers).toMatchObject([{ ok: true, leaks: 10, repaired: 10 }]);
    expect((await check()).layers).toMatchObject([{ ok: true, leaks: 0, message: 'clean' }]);
  });

  it('does not write to a file that others share', async () => {
    leak('disk0.qcow2');
    linkSync(demo.file('disk0.qcow2'), at('other.qcow2'));
    const { ok, layers } = await check({ repair: true });
    expect([ok, layers]).toEqual([true, [expect.objectContaining({ leaks: 10, repaired: 0 })]]);
  });

  it('finds damage, says what to do and does not touch it', async () => {
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M']);
    const bytes = readFileSync(demo.file('disk0.qcow2'));
    const table = Number(bytes.readBigUInt64BE(48));
    bytes.fill(0, Number(bytes.readBigUInt64BE(table)), Number(bytes.readBigUInt64BE(table)) + 40);
    writeFileSync(demo.file('disk0.qcow2'), bytes);
    for (const repair of [false, true]) {
      const { ok, layers } = await check({ repair });
      expect([ok, layers[0]?.ok, layers[0]?.message]).toEqual([
        false,
        false,
        expect.stringContaining('COPY'),
      ]);
      expect(layers[0]?.corruptions).toBeGreaterThan(0);
    }
    expect(readFileSync(demo.file('disk0.qcow2')).equals(bytes)).toBe(true);
  });

  it('finds a truncated layer and goes on with the other disks', async () => {
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    io(demo.file('disk0.qcow2'), ['write -P 1 0 4M']);
    truncateSync(demo.file('disk0.qcow2'), 2 * mebibyte);
    const { ok, layers } = await check();
    expect(ok).toBe(false);
    expect(layers).toMatchObject([
      { slot: 'nvme0:0', ok: false, message: expect.stringContaining('truncated') as string },
      { slot: 'nvme0:1', ok: true },
    ]);
  });

  it('leaves out what a running machine writes to, and repairs nothing then', async () => {
    await take('one');
    pretendRunning();
    expect((await check()).layers.map(({ ok, message }) => [ok, message])).toEqual([
      [true, expect.stringContaining('not checked')],
      [true, 'clean'],
    ]);
    expect(await refusal(check({ repair: true }))).toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('list', () => {
  it('shows a broken disk with its problem and the others as they are', async () => {
    await take('one');
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    rmSync(demo.file('disk0.qcow2'));
    expect(await listDisks(demo.host, 'demo')).toMatchObject([
      {
        slot: 'nvme0:0',
        sizeBytes: null,
        layers: [{ path: demo.file('disk0-000001.qcow2') }],
        problem: expect.stringContaining('disk0.qcow2 is not there') as string,
      },
      { slot: 'nvme0:1', sizeBytes: mebibyte, problem: null },
    ]);
  });
});

describe('remove', () => {
  const remove = async (which: string, keepFile = false) =>
    await removeDisk(demo.host, 'demo', which, { keepFile });

  it('takes the disk out with its file and all its keys', async () => {
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

  it('keeps a file by its name when asked', async () => {
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

  it('deletes a linked clone’s own layer, and not what it builds on', async () => {
    await clone(demo.host, 'demo', { name: 'copy', kind: 'linked' }, quiet);
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
    await revertSnapshot(demo.host, 'demo', 'one', {}, quiet);
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

  it('takes out a broken disk', async () => {
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

  it('cut short is undone before the .vmx has changed, and finished after', async () => {
    await addDisk(demo.host, 'demo', { sizeBytes: mebibyte }, quiet);
    const names = machineNames(demo.vmx);
    const operation = {
      kind: 'disk',
      files: [],
      kept: { from: 'disk1.qcow2', to: 'disk1-kept.qcow2' },
    } as const;
    const settled = async () => {
      await writeOperation(names, operation);
      await settle(demo.host, await findMachine(demo.host, 'demo'));
      return qcow2Files();
    };
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1.qcow2']);
    writeFileSync(demo.vmx, vmxText('demo'));
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1-kept.qcow2']);
    expect(await settled()).toEqual(['disk0.qcow2', 'disk1-kept.qcow2']);
  });
});
