import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as api from '../../src/api/checkpoint.ts';
import { startMachine } from '../../src/api/machine.ts';
import {
  demo,
  demoDetails,
  demoRunning,
  demoStarted,
  fakeDaemon,
  json,
  kame,
  lines,
  problem,
  type FakeDaemon,
  type RunOptions,
} from './cli-support.ts';

let daemon: FakeDaemon;
const run = (argv: readonly string[], options?: RunOptions) => kame(daemon.home, argv, options);
const bodies = () => daemon.requests.map(({ body }) => body);
const asked = () => daemon.requests.map(({ method, path }) => `${method} ${path}`);
const result = (value: unknown) => lines({ type: 'result', result: value });

beforeEach(async () => {
  daemon = await fakeDaemon();
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
});

const clean: api.Snapshot = {
  uid: 1,
  label: 'clean',
  description: '',
  parent: null,
  path: '/clean',
  depth: 0,
  current: false,
  createdAt: new Date(2026, 10, 24, 1, 35).toISOString(),
  state: 'stopped',
  memory: false,
  autoProtect: false,
  clones: ['/k/machines/a.vmwarevm/a.vmx'],
};
const updated: api.Snapshot = {
  ...clean,
  uid: 2,
  label: 'updated',
  parent: 1,
  path: '/clean/updated',
  depth: 1,
  current: true,
  state: 'running',
  memory: true,
  clones: [],
};
const auto: api.Snapshot = {
  ...clean,
  uid: 3,
  label: 'auto',
  parent: 1,
  depth: 1,
  autoProtect: true,
  clones: [],
};
const tree = [clean, updated, auto];

describe('wrong usage', () => {
  it.each([
    ['clone a b --full --linked', /--full and --linked exclude each other/],
    ['clone a b --full --linked --instant', /--full and --linked and --instant exclude each other/],
    ['clone a b --count 0', /--count is "0", which is not a whole number from 1 to 100/],
    ['clone a b --count 101', /whole number from 1 to 100/],
    ['clone a b --count -3', /--count is "-3"/],
    ['clone a b --full --wait agent', /only make sense for clones that are started/],
    ['clone a', /Missing required argument 'new-name'/],
    ['clone a b c', /Too many arguments/],
    ['snapshot', /^kame: kame snapshot takes one of: take, list, show, revert, rename, delete\.\n/],
    ['snapshot tak demo', /Unknown command 'tak'\.\n {2}.*Did you mean take\?/],
    ['snapshot revert demo', /Missing required argument 'snapshot'/],
    ['snapshot revert demo clean --no-start --wait boot', /make no sense with --no-start/],
    ['snapshot rename demo clean', /Neither a new label nor --description/],
    ['snapshot delete demo', /Missing required argument 'snapshot'/],
    ['suspend', /Missing required argument 'name'/],
    ['disk add demo', /Missing required argument 'size'/],
    ['disk add demo big', /The size is "big", which is not a size/],
    ['disk add demo 0', /The size is "0", which is not a size above 0/],
    ['disk grow demo nvme0:0', /Missing required argument 'size'/],
    ['disk remove demo nvme0:1', /Say --yes/],
    ['autoprotect demo maybe', /Allowed choices are on, off/],
    ['autoprotect demo on --every 2h', /Allowed choices are 30m, 1h, 1d/],
    ['autoprotect demo on --keep 0', /--keep is "0"/],
    ['autoprotect demo --every 1h', /--every and --keep only make sense with on/],
    ['autoprotect demo off --keep 3', /--every and --keep only make sense with on/],
  ])('%s ends with 2', async (line, message) => {
    const { code, stderr } = await run(line.split(' '));
    expect({ code, asked: asked() }).toEqual({ code: 2, asked: [] });
    expect(stderr).toMatch(message);
  });

  it.each([
    [['snapshot', 'take', 'demo', ''], 'The label is empty'],
    [['snapshot', 'revert', 'demo', ' '], 'The name of the snapshot is empty'],
    [['snapshot', 'rename', 'demo', 'clean', ''], 'The label is empty'],
    [['clone', 'a', 'b', '--snapshot', ''], '--snapshot is empty'],
    [['disk', 'compact', 'demo', ''], 'The disk is empty'],
  ])('%j: an empty word is not asked about', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect({ code, asked: asked() }).toEqual({ code: 2, asked: [] });
    expect(stderr).toContain(message);
  });
});

describe('snapshot', () => {
  it('take sends what was said, and says how long the guest stood still', async () => {
    const taken: api.TakenSnapshot = { ...updated, stoppedMs: 45.4, notes: ['The agent does not answer.'] };
    daemon.on('POST /v1/machines/demo/snapshots', result(taken));
    const { code, stdout, stderr } = await run(['snapshot', 'take', 'demo', 'updated']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'demo: snapshot updated is taken; the guest stood still for 45 ms\n',
      stderr: 'demo: The agent does not answer.\n',
    });
    const words = 'snapshot take demo --disk-only --quiesce --description why --json';
    expect(api.takenSnapshot.parse(JSON.parse((await run(words.split(' '))).stdout))).toEqual(taken);
    expect(bodies()).toEqual([{ label: 'updated' }, { diskOnly: true, quiesce: true, description: 'why' }]);
    for (const body of bodies()) expect(api.takeSnapshot.safeParse(body).success).toBe(true);
  });

  it('list draws the tree, with the place where the machine is', async () => {
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
      stderr: 'demo has no snapshot. `kame snapshot take demo` takes one.\n',
    });
  });

  it('show prints all of one, named by a path too', async () => {
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

  it('revert runs on, unless --no-start', async () => {
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
      'demo: snapshot clean is now installed\n',
    );
    const described = await run(['snapshot', 'rename', 'demo', 'clean', '--description', '']);
    expect(described.stdout).toBe('demo: snapshot installed is described\n');
    expect(bodies()).toEqual([{ label: 'installed' }, { description: '' }]);
  });

  it('an error names the machine’s snapshots as the daemon says it', async () => {
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

  it('of one does not ask', async () => {
    expect((await answer('')).stdout).toBe('demo: deleted clean; 5 MiB are freed\n');
    expect(asked()).toEqual([`DELETE ${path}`]);
  });

  it('of children asks at a keyboard, and names them', async () => {
    const refused = await answer('n\n', '--children');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('Delete 3 snapshots of demo: clean, updated, auto? [y/N]');
    expect(deletions()).toEqual([]);
    expect((await answer('y\n', '--children')).code).toBe(0);
    expect((await answer('', '--children', '--yes')).code).toBe(0);
    expect((await run(['snapshot', 'delete', 'demo', 'clean', '--children', '--json'])).code).toBe(0);
    expect(deletions()).toEqual(Array.from({ length: 3 }, () => `DELETE ${path}?children=true`));
  });

  it('tells what merging took, and what is left to do', async () => {
    daemon.on(`DELETE ${path}`, result({ deleted: ['clean'], bytesFreed: -2048, notes: ['Wait.'] }));
    const { stdout, stderr } = await answer('');
    expect({ stdout, stderr }).toEqual({
      stdout: 'demo: deleted clean; 2 KiB more are used\n',
      stderr: 'demo: Wait.\n',
    });
  });
});

describe('suspend', () => {
  it('says what was written; start resumes or discards', async () => {
    const suspended: api.SuspendedMachine = {
      ...demo,
      state: 'suspended',
      stateBytes: 300 * 1024 ** 2,
      tookMs: 1234,
    };
    daemon.on('POST /v1/machines/demo/suspend', result(suspended));
    daemon.on('POST /v1/machines/demo/start', result(demoStarted));
    expect((await run(['suspend', 'demo'])).stdout).toBe('demo is suspended: 300 MiB written in 1.2 s\n');
    expect(api.suspendedMachine.parse(JSON.parse((await run(['suspend', 'demo', '--json'])).stdout))).toEqual(
      suspended,
    );
    await run(['start', 'demo', '--discard-state']);
    expect(startMachine.parse(bodies().at(-1))).toMatchObject({ discardState: true });
  });

  it('list and show say what to do with a suspended machine', async () => {
    const web = { ...demo, name: 'web', state: 'suspended' };
    daemon.on('GET /v1/machines', json([demoRunning, web]));
    expect((await run(['list'])).stderr).toBe(
      'Suspended: `kame start web` goes on; `kame start web --discard-state` boots anew, and what was not saved is lost.\n',
    );
    daemon.on('GET /v1/machines', json([web, { ...web, name: 'db' }]));
    expect((await run(['list'])).stderr).toContain('`kame start NAME` goes on');
    daemon.on('GET /v1/machines/web', json({ ...demoDetails, ...web }));
    expect((await run(['show', 'web'])).stdout).toMatch(/\nsuspended +`kame start web` goes on;/);
  });
});

describe('clone', () => {
  const cloned = (...machines: api.ClonedMachines['machines']): api.ClonedMachines => ({
    machines,
    stoppedMs: 38,
    agentMs: machines.map(({ agent }) => (agent ? 250 : null)),
    notes: ['The clock was set.', 'The clock of demo was set.'],
  });
  const kinds = () =>
    daemon.requests
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => (body as api.CloneMachine).kind);

  it('is instant of a running machine, and full of a stopped one or a snapshot, unless said', async () => {
    daemon.on('POST /v1/machines/demo/clone', result(cloned({ ...demoRunning, name: 'b' })));
    for (const state of ['running', 'paused', 'stopped', 'suspended']) {
      daemon.on('GET /v1/machines/demo', json({ ...demoDetails, state }));
      await run(['clone', 'demo', 'b']);
    }
    await run(['clone', 'demo', 'b', '--snapshot', 'clean']);
    for (const kind of ['full', 'linked', 'instant']) await run(['clone', 'demo', 'b', `--${kind}`]);
    expect(kinds()).toEqual(['instant', 'instant', 'full', 'full', 'full', 'full', 'linked', 'instant']);
  });

  it('sends what was said, and tells of each clone', async () => {
    const two = cloned({ ...demoRunning, name: 'b-1' }, { ...demo, name: 'b-2' });
    daemon.on('POST /v1/machines/demo/clone', result(two));
    const words = 'clone demo b --linked --snapshot clean --count 2 --start --keep-identity --timeout 5';
    const { code, stdout, stderr } = await run(words.split(' '));
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `b-1 is running: agent answered after 250 ms, 10.0.2.15\nb-2 is made: ${demo.path}\n`,
      stderr: 'demo stood still for 38 ms\ndemo: The clock was set.\nThe clock of demo was set.\n',
    });
    expect(api.cloneMachine.parse(bodies()[0])).toEqual({
      name: 'b',
      kind: 'linked',
      snapshot: 'clean',
      count: 2,
      start: true,
      keepIdentity: true,
      wait: 'agent',
      timeoutMs: 5000,
    });
    const asJson = await run(['clone', 'demo', 'b', '--linked', '--json']);
    expect(api.clonedMachines.parse(JSON.parse(asJson.stdout))).toEqual(two);
    expect(asJson.stderr).toBe('');
  });
});

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
    daemon.on(`POST ${of}/nvme0%3A0/grow`, result(disk));
    daemon.on(`POST ${of}/nvme0%3A0/compact`, result({ ...disk, bytesFreed: 1024 }));
    expect((await run(['disk', 'add', 'demo', '2GiB', '--slot', 'nvme0:0'])).stdout).toBe(
      'demo: nvme0:0 is added: 2 GiB, /k/d-000001.qcow2\n',
    );
    expect((await run(['disk', 'grow', 'demo', 'nvme0:0', '2GiB'])).stdout).toBe(
      'demo: nvme0:0 has 2 GiB now\n',
    );
    const { stdout } = await run(['disk', 'compact', 'demo', 'nvme0:0']);
    expect(stdout).toBe('demo: nvme0:0 is compacted; 1 KiB are freed\n');
    const sizeBytes = 2 * 1024 ** 3;
    expect(bodies()).toEqual([{ sizeBytes, slot: 'nvme0:0' }, { sizeBytes }, {}]);
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
      'demo: nvme0:1 is removed; its file is deleted\n',
    );
    daemon.on(`DELETE ${of}/nvme0%3A1`, json({ ...removed, fileKept: true }));
    expect((await run(['disk', 'remove', 'demo', 'nvme0:1', '--keep-file'])).stdout).toBe(
      'demo: nvme0:1 is removed; its file stays: /k/e.qcow2\n',
    );
    expect(asked()).toEqual([`DELETE ${of}/nvme0%3A1`, `DELETE ${of}/nvme0%3A1?keepFile=true`]);
  });
});

describe('autoprotect', () => {
  const on: api.AutoProtect = { enabled: true, every: '1h', keep: 5, snapshots: 2, nextInMs: 125_000 };
  const path = '/v1/machines/demo/autoprotect';

  it('shows, sets and ends', async () => {
    daemon.on(`GET ${path}`, json(on));
    daemon.on(`PUT ${path}`, json({ ...on, enabled: false, nextInMs: null }));
    expect((await run(['autoprotect', 'demo'])).stdout).toBe(
      'AutoProtect of demo is on: a snapshot each hour it runs, 5 are kept (2 there now); the next when it has run 3 min more\n',
    );
    daemon.on(`GET ${path}`, json({ ...on, every: '1d', nextInMs: 86_100_000 }));
    expect((await run(['autoprotect', 'demo'])).stdout).toContain('each day it runs');
    expect((await run(['autoprotect', 'demo'])).stdout).toContain('has run 23 h 55 min more\n');
    expect((await run(['autoprotect', 'demo', 'off'])).stdout).toBe(
      'AutoProtect of demo is off (2 there now)\n',
    );
    const set = 'autoprotect demo on --every 30m --keep 7 --json';
    expect(api.autoProtect.safeParse(JSON.parse((await run(set.split(' '))).stdout)).success).toBe(true);
    expect(bodies().slice(2)).toEqual([
      undefined,
      { enabled: false },
      { enabled: true, every: '30m', keep: 7 },
    ]);
    expect(asked().slice(2)).toEqual([`GET ${path}`, `PUT ${path}`, `PUT ${path}`]);
  });
});

describe('completion', () => {
  it('knows snapshots, by path where two have one label, and disks', async () => {
    daemon.on('GET /v1/machines', json([demo]));
    daemon.on(
      'GET /v1/machines/demo/snapshots',
      json([...tree, { ...auto, label: 'clean', path: '/clean/clean' }]),
    );
    daemon.on('GET /v1/machines/demo/disks', json([{ slot: 'nvme0:0' }]));
    const words = async (...argv: string[]) =>
      (await run(['__complete', ...argv])).stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[0]);
    expect(await words('snapshot', 'r')).toEqual(['revert', 'rename']);
    expect(await words('snapshot', 'revert', '')).toEqual(['demo']);
    expect(await words('snapshot', 'revert', 'demo', '')).toEqual([
      '/clean',
      'updated',
      'auto',
      '/clean/clean',
    ]);
    expect(await words('snapshot', 'rename', 'demo', 'auto', '')).toEqual(['']);
    expect(await words('clone', 'demo', 'new', '--snapshot', 'u')).toEqual(['updated']);
    expect(await words('disk', 'grow', 'demo', '')).toEqual(['nvme0:0']);
    expect(await words('autoprotect', 'demo', '')).toEqual(['on', 'off']);
    expect(await words('snapshot', 'show', 'nobody', '')).toEqual(['']);
  });
});
