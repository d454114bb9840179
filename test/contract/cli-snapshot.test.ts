import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import * as api from '../../src/api/checkpoint.ts';
import { asked, bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { clean, demoRunning, tree, updated } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';

useDaemon();

describe('snapshot', () => {
  it('take sends the options and prints how long the guest was paused', async () => {
    const taken: api.TakenSnapshot = { ...updated, stoppedMs: 45.4, notes: ['The agent does not answer.'] };
    daemon.on('POST /v1/machines/demo/snapshots', result(taken));
    const { code, stdout, stderr } = await run(['snapshot', 'take', 'demo', 'updated']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'demo: snapshot updated was taken; the guest was paused for 45 ms\n',
      stderr: 'demo: The agent does not answer.\n',
    });
    const words = 'snapshot take demo --disk-only --quiesce --description why --json';
    expect(api.takenSnapshot.parse(JSON.parse((await run(words.split(' '))).stdout))).toEqual(taken);
    expect(bodies()).toEqual([{ label: 'updated' }, { diskOnly: true, quiesce: true, description: 'why' }]);
    for (const body of bodies()) expect(api.takeSnapshot.safeParse(body).success).toBe(true);
  });

  it('list draws the tree, with the place of the machine', async () => {
    daemon.on('GET /v1/machines/demo/snapshots', json(tree));
    expect((await run(['snapshot', 'list', 'demo'])).stdout.split('\n')).toEqual([
      'TAKEN             STATE    SNAPSHOT',
      '2026-11-24 01:35  stopped  clean (1 linked clone)',
      '2026-11-24 01:35  running  ├─ updated (with memory)',
      '                           │  └─ You are here',
      '2026-11-24 01:35  stopped  └─ auto (AutoProtect)',
      '',
    ]);
    expect(JSON.parse((await run(['snapshot', 'ls', 'demo', '--json'])).stdout)).toEqual(tree);
    daemon.on('GET /v1/machines/demo/snapshots', json([{ ...clean, label: 'x\u001b[2J' }]));
    expect((await run(['snapshot', 'list', 'demo'])).stdout).toContain('x\\x1b[2J');
    daemon.on('GET /v1/machines/demo/snapshots', json([]));
    expect(await run(['snapshot', 'list', 'demo'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'demo has no snapshots. `kame snapshot take demo` takes one.\n',
    });
  });

  it('show prints one in full, also when it is named by a path', async () => {
    const details: api.SnapshotDetails = {
      ...updated,
      description: 'after the update',
      bytes: 3 * 1024 ** 2,
      engine: { version: '7.2.1', machineType: 'virt-7.2', cpu: 'max', accelerator: 'tcg' },
      disks: [{ slot: 'nvme0:0', path: '/k/d.qcow2', sizeBytes: 1024 ** 3, allocatedBytes: null }],
      problems: ['/k/d.qcow2 is truncated.'],
    };
    daemon.on('GET /v1/machines/demo/snapshots/%2Fclean%2Fupdated', json(details));
    const { stdout } = await run(['snapshot', 'show', 'demo', '/clean/updated']);
    expect(stdout).toMatch(/^label +updated\npath +\/clean\/updated\nuid +2\n/);
    expect(stdout).toMatch(/on the host +3 MiB\n/);
    expect(stdout).toMatch(/engine +QEMU 7.2.1, virt-7.2, max, tcg\n/);
    expect(stdout).toMatch(/disk nvme0:0 +1 GiB, \/k\/d.qcow2\n/);
    expect(stdout).toMatch(/error +\/k\/d.qcow2 is truncated.\n$/);
    const asJson = await run(['snapshot', 'show', 'demo', '/clean/updated', '--json']);
    expect(api.snapshotDetails.parse(JSON.parse(asJson.stdout))).toEqual(details);
  });

  it('revert starts the machine, unless --no-start is given', async () => {
    const reverted: api.RevertedMachine = { ...demoRunning, snapshot: 'clean', notes: [] };
    daemon.on('POST /v1/machines/demo/snapshots/clean/revert', result(reverted));
    expect((await run(['snapshot', 'revert', 'demo', 'clean'])).stdout).toBe(
      'demo is running, as in snapshot clean\n',
    );
    await run(['snapshot', 'revert', 'demo', 'clean', '--no-start']);
    await run(['snapshot', 'revert', 'demo', 'clean', '--wait', 'none', '--timeout', '9', '--json']);
    expect(bodies()).toEqual([{}, { start: false }, { wait: 'none', timeoutMs: 9000 }]);
    expect(api.revertSnapshot.parse({})).toEqual({ start: true, wait: 'agent', timeoutMs: 300_000 });
  });

  it('rename changes label and description', async () => {
    daemon.on('PATCH /v1/machines/demo/snapshots/clean', json({ ...clean, label: 'installed' }));
    expect((await run(['snapshot', 'rename', 'demo', 'clean', 'installed'])).stdout).toBe(
      'demo: snapshot clean was renamed to installed\n',
    );
    const described = await run(['snapshot', 'rename', 'demo', 'clean', '--description', '']);
    expect(described.stdout).toBe('demo: the description of snapshot installed was changed\n');
    expect(bodies()).toEqual([{ label: 'installed' }, { description: '' }]);
  });

  it('prints the error of the daemon, which names the machine’s snapshots', async () => {
    daemon.on('GET /v1/machines/demo/snapshots/x', problem(404, 'USAGE', 'demo has no snapshot x.'));
    expect(await run(['snapshot', 'show', 'demo', 'x'])).toMatchObject({
      code: 2,
      stderr: 'kame: demo has no snapshot x.\n  Do this.\n',
    });
  });
});

describe('snapshot delete', () => {
  const path = '/v1/machines/demo/snapshots/clean';
  const deletions = () => asked().filter((line) => line.startsWith('DELETE'));
  const answer = (text: string, ...more: string[]) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    stdin.end(text);
    return run(['snapshot', 'delete', 'demo', 'clean', ...more], { stdin, tty: true });
  };
  beforeEach(() => {
    const gone: api.DeletedSnapshots = { deleted: ['clean'], bytesFreed: 5 * 1024 ** 2, notes: [] };
    daemon.on(`DELETE ${path}`, result(gone));
    daemon.on('GET /v1/machines/demo/snapshots', json(tree));
    daemon.on(`GET ${path}`, json({ ...clean, bytes: 0, engine: null, disks: [], problems: [] }));
  });

  it('does not ask about a single one', async () => {
    expect((await answer('')).stdout).toBe('demo: deleted clean; 5 MiB freed\n');
    expect(asked()).toEqual([`DELETE ${path}`]);
  });

  it('asks at a terminal before deleting children, and names them', async () => {
    const refused = await answer('n\n', '--children');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('Delete 3 snapshots of demo: clean, updated, auto? [y/N]');
    expect(deletions()).toEqual([]);
    expect((await answer('y\n', '--children')).code).toBe(0);
    expect((await answer('', '--children', '--yes')).code).toBe(0);
    expect((await run(['snapshot', 'delete', 'demo', 'clean', '--children', '--json'])).code).toBe(0);
    expect(deletions()).toEqual(Array.from({ length: 3 }, () => `DELETE ${path}?children=true`));
  });

  it('reports what merging took, and what remains to be done', async () => {
    daemon.on(`DELETE ${path}`, result({ deleted: ['clean'], bytesFreed: -2048, notes: ['Wait.'] }));
    const { stdout, stderr } = await answer('');
    expect({ stdout, stderr }).toEqual({
      stdout: 'demo: deleted clean; 2 KiB more in use\n',
      stderr: 'demo: Wait.\n',
    });
  });
});
