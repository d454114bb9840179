import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/checkpoint.ts';
import { asked, bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

describe('disk', () => {
  const disk: api.MachineDisk = {
    slot: 'nvme0:0',
    device: 'virtio-blk',
    path: '/k/d-000001.qcow2',
    format: 'qcow2',
    sizeBytes: 2 * 1024 ** 3,
    allocatedBytes: 1024 ** 2,
    layers: [
      { path: '/k/d-000001.qcow2', allocatedBytes: 1024 ** 2 },
      { path: '/k/d.qcow2', allocatedBytes: 4 * 1024 ** 2 },
    ],
    problem: null,
  };
  const of = '/v1/machines/demo/disks';

  it('list counts all layers, and shows what is wrong', async () => {
    daemon.on(`GET ${of}`, json([disk, { ...disk, slot: 'nvme0:1', layers: [], problem: '/x is missing.' }]));
    expect((await run(['disk', 'list', 'demo'])).stdout.split('\n')).toEqual([
      'SLOT     DEVICE      FORMAT  SIZE   ON HOST  LAYERS  FILE',
      'nvme0:0  virtio-blk  qcow2   2 GiB    5 MiB       2  /k/d-000001.qcow2',
      'nvme0:1  virtio-blk  qcow2   2 GiB      0 B       0  /x is missing.',
      '',
    ]);
  });

  it('add, grow and compact', async () => {
    daemon.on(`POST ${of}`, result(disk));
    daemon.on(
      `POST ${of}/nvme0%3A0/grow`,
      result({ ...disk, bytesAdded: 1024 ** 3, notes: ['The host currently has only 1 GiB free.'] }),
    );
    daemon.on(`POST ${of}/nvme0%3A0/compact`, result({ ...disk, bytesFreed: 1024 }));
    expect((await run(['disk', 'add', 'demo', '2GiB', '--slot', 'nvme0:0'])).stdout).toBe(
      'demo: nvme0:0 was added: 2 GiB, /k/d-000001.qcow2\n',
    );
    expect(await run(['disk', 'grow', 'demo', 'nvme0:0', '2GiB'])).toMatchObject({
      stdout: 'demo: nvme0:0 was expanded to 2 GiB; expand its partitions and file systems in the guest\n',
      stderr: 'demo: The host currently has only 1 GiB free.\n',
    });
    const { stdout } = await run(['disk', 'compact', 'demo', 'nvme0:0']);
    expect(stdout).toBe('demo: nvme0:0 was compacted; 1 KiB freed\n');
    const sizeBytes = 2 * 1024 ** 3;
    expect(bodies()).toEqual([{ sizeBytes, slot: 'nvme0:0' }, { sizeBytes }, undefined]);
  });

  it('grow to the size that a disk has says so', async () => {
    daemon.on(`POST ${of}/nvme0%3A0/grow`, result({ ...disk, bytesAdded: 0, notes: [] }));
    const { stdout } = await run(['disk', 'grow', 'demo', 'nvme0:0', '2GiB']);
    expect(stdout).toBe('demo: nvme0:0 already has 2 GiB\n');
  });

  it('check ends with 1 when something is wrong', async () => {
    const layer = { slot: 'nvme0:0', path: '/k/d.qcow2', corruptions: 0, leaks: 0, repaired: 0 };
    const good = { ...layer, ok: true, message: 'nothing is wrong' };
    daemon.on(`POST ${of}/check`, result({ ok: true, layers: [good] }));
    expect(await run(['disk', 'check', 'demo'])).toMatchObject({
      code: 0,
      stdout: 'SLOT     STATUS  FOUND             FILE\nnvme0:0  ok      nothing is wrong  /k/d.qcow2\n',
    });
    const bad = { ok: false, layers: [{ ...layer, ok: false, message: '2 clusters are corrupt' }] };
    daemon.on(`POST ${of}/nvme0%3A0/check`, result(bad));
    const { code, stdout } = await run(['disk', 'check', 'demo', 'nvme0:0', '--repair', '--json']);
    expect({ code, printed: api.checkedDisks.parse(JSON.parse(stdout)) }).toMatchObject({
      code: 1,
      printed: { ok: false },
    });
    expect(bodies()).toEqual([{}, { repair: true }]);
  });

  it('remove deletes the file only after a yes', async () => {
    const removed: api.RemovedDisk = { slot: 'nvme0:1', path: '/k/e.qcow2', fileKept: false };
    daemon.on(`DELETE ${of}/nvme0%3A1`, json(removed));
    expect((await run(['disk', 'remove', 'demo', 'nvme0:1', '--yes'])).stdout).toBe(
      'demo: nvme0:1 was removed; its file was deleted\n',
    );
    daemon.on(`DELETE ${of}/nvme0%3A1`, json({ ...removed, fileKept: true }));
    expect((await run(['disk', 'remove', 'demo', 'nvme0:1', '--keep-file'])).stdout).toBe(
      'demo: nvme0:1 was removed; its file was kept: /k/e.qcow2\n',
    );
    expect(asked()).toEqual([`DELETE ${of}/nvme0%3A1`, `DELETE ${of}/nvme0%3A1?keepFile=true`]);
  });
});
