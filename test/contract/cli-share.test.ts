import { describe, expect, it } from 'vitest';
import type { MachineShares } from '../../src/api/share.ts';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';

useDaemon();

const of = '/v1/machines/demo/shares';
const work = {
  name: 'work',
  hostPath: '/home/ada/work',
  writable: true,
  state: 'shared',
  reason: null,
} as const;
const shares: MachineShares = {
  machine: 'demo',
  folders: [work],
  connected: true,
  note: null,
  address: 'http://127.0.0.1:9843/',
  mounted: null,
  mount: 'mount -t davfs http://127.0.0.1:9843/ /mnt/shared',
  needs: 'root and the package davfs2',
};

describe('share', () => {
  it('list shows folders, why one is not shared, and how the guest reaches them', async () => {
    const gone = {
      ...work,
      name: 'usb',
      writable: false,
      state: 'gone',
      reason: 'It was unplugged.',
    } as const;
    daemon.on(`GET ${of}`, json({ ...shares, folders: [work, gone] }));
    const { stdout, stderr } = await run(['share', 'list', 'demo']);
    expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['SHARE', 'FOLDER', 'ACCESS', 'STATE'],
      ['work', '/home/ada/work', 'read-write', 'shared'],
      ['usb', '/home/ada/work', 'read-only', 'gone'],
      [''],
    ]);
    expect(stderr).toBe(
      'usb: It was unplugged.\nIn the guest: mount -t davfs http://127.0.0.1:9843/ /mnt/shared\nIt needs root and the package davfs2.\n',
    );
  });

  it('list says where kame-tools have mounted the folders', async () => {
    daemon.on(`GET ${of}`, json({ ...shares, mounted: '/mnt/hgfs' }));
    expect((await run(['share', 'list', 'demo'])).stderr).toBe('In the guest: /mnt/hgfs\n');
  });

  it('list says nothing about the guest without folders, and prints JSON', async () => {
    daemon.on(`GET ${of}`, json({ ...shares, folders: [] }));
    expect((await run(['share', 'ls', 'demo'])).stderr).toBe('');
    expect(JSON.parse((await run(['share', 'list', 'demo', '--json'])).stdout)).toEqual({
      ...shares,
      folders: [],
    });
  });

  it('add sends an absolute path, and prints the command for the guest', async () => {
    daemon.on(`POST ${of}`, json({ ...shares, mount: null, note: 'Nothing serves them yet.' }));
    const { stdout, stderr } = await run([
      'share',
      'add',
      'demo',
      '/srv/data',
      '--name',
      'data',
      '--read-only',
    ]);
    expect(stdout).toBe('demo: /srv/data is shared read-only\n');
    expect(stderr).toBe(
      'In the guest: http://127.0.0.1:9843/; it needs root and the package davfs2\nNothing serves them yet.\n',
    );
    await run(['share', 'add', 'demo', '/srv/../srv/data']);
    expect(bodies()).toEqual([
      { hostPath: '/srv/data', name: 'data', readOnly: true },
      { hostPath: '/srv/data' },
    ]);
  });

  it('remove names the shared folder', async () => {
    daemon.on(`DELETE ${of}/my%20work`, json(shares));
    const { stdout } = await run(['share', 'remove', 'demo', 'my work']);
    expect(stdout).toBe('demo: my work is no longer shared\n');
  });

  it.each(['add demo', 'add demo /srv --name=', 'remove demo', 'list'])(
    '%s is a usage error',
    async (words) => {
      expect((await run(['share', ...words.split(' ')])).code).toBe(2);
    },
  );
});
