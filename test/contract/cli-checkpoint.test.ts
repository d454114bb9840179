import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/checkpoint.ts';
import { startMachine } from '../../src/api/machine.ts';
import { asked, bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { auto, demo, demoDetails, demoRunning, demoStarted, tree } from './cli-samples.ts';
import { json } from './cli-support.ts';

useDaemon();

describe('wrong usage', () => {
  it.each([
    ['clone a b --full --linked', /--full and --linked cannot be used together/],
    ['clone a b --full --linked --instant', /--full and --linked and --instant cannot be used together/],
    ['clone a b --count 0', /--count is "0", which is not a whole number from 1 to 100/],
    ['clone a b --count 101', /whole number from 1 to 100/],
    ['clone a b --count -3', /--count is "-3"/],
    ['clone a b --full --wait agent', /can only be used for clones that are started/],
    ['clone a', /Missing required argument 'new-name'/],
    ['clone a b c', /Too many arguments/],
    ['snapshot', /^kame: kame snapshot needs a subcommand: take, list, show, revert, rename, delete\.\n/],
    ['snapshot tak demo', /Unknown command 'tak'\.\n {2}.*Did you mean take\?/],
    ['snapshot revert demo', /Missing required argument 'snapshot'/],
    ['snapshot revert demo clean --no-start --wait boot', /cannot be used with --no-start/],
    ['snapshot rename demo clean', /Neither a new label nor --description/],
    ['snapshot delete demo', /Missing required argument 'snapshot'/],
    ['suspend', /Missing required argument 'name'/],
    ['disk add demo', /Missing required argument 'size'/],
    ['disk add demo big', /The size is "big", which is not a size/],
    ['disk add demo 0', /The size is "0", which is not a size above 0/],
    ['disk grow demo nvme0:0', /Missing required argument 'size'/],
    ['disk remove demo nvme0:1', /Use --yes/],
    ['autoprotect demo maybe', /Allowed choices are on, off/],
    ['autoprotect demo on --every 2h', /Allowed choices are 30m, 1h, 1d/],
    ['autoprotect demo on --keep 0', /--keep is "0"/],
    ['autoprotect demo --every 1h', /--every and --keep can only be used with on/],
    ['autoprotect demo off --keep 3', /--every and --keep can only be used with on/],
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
  ])('%j: an empty word is refused without a request', async (argv, message) => {
    const { code, stderr } = await run(argv);
    expect({ code, asked: asked() }).toEqual({ code: 2, asked: [] });
    expect(stderr).toContain(message);
  });
});

describe('suspend', () => {
  it('prints what was written; start resumes or discards', async () => {
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

  it('is explained by list and show, which say what to do', async () => {
    const web = { ...demo, name: 'web', state: 'suspended' };
    daemon.on('GET /v1/machines', json([demoRunning, web]));
    expect((await run(['list'])).stderr).toBe(
      'Suspended: `kame start web` resumes it; `kame start web --discard-state` starts it from its disks, and unsaved data in the guest is lost.\n',
    );
    daemon.on('GET /v1/machines', json([web, { ...web, name: 'db' }]));
    expect((await run(['list'])).stderr).toContain('`kame start NAME` resumes it');
    daemon.on('GET /v1/machines/web', json({ ...demoDetails, ...web }));
    expect((await run(['show', 'web'])).stdout).toMatch(/\nsuspended +`kame start web` resumes it;/);
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

  it('is instant for a running machine, and full for a stopped one or a snapshot, unless an option says otherwise', async () => {
    daemon.on('POST /v1/machines/demo/clone', result(cloned({ ...demoRunning, name: 'b' })));
    for (const state of ['running', 'paused', 'stopped', 'suspended']) {
      daemon.on('GET /v1/machines/demo', json({ ...demoDetails, state }));
      await run(['clone', 'demo', 'b']);
    }
    await run(['clone', 'demo', 'b', '--snapshot', 'clean']);
    for (const kind of ['full', 'linked', 'instant']) await run(['clone', 'demo', 'b', `--${kind}`]);
    expect(kinds()).toEqual(['instant', 'instant', 'full', 'full', 'full', 'full', 'linked', 'instant']);
  });

  it('sends the options, and reports each clone', async () => {
    const two = cloned({ ...demoRunning, name: 'b-1' }, { ...demo, name: 'b-2' });
    daemon.on('POST /v1/machines/demo/clone', result(two));
    const words = 'clone demo b --linked --snapshot clean --count 2 --start --keep-identity --timeout 5';
    const { code, stdout, stderr } = await run(words.split(' '));
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `b-1 is running: agent answered after 250 ms, 10.0.2.15\nb-2 was created: ${demo.path}\n`,
      stderr: 'demo was paused for 38 ms\ndemo: The clock was set.\nThe clock of demo was set.\n',
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

describe('autoprotect', () => {
  const on: api.AutoProtect = { enabled: true, every: '1h', keep: 5, snapshots: 2, nextInMs: 125_000 };
  const path = '/v1/machines/demo/autoprotect';

  it('can be shown, set and ended', async () => {
    daemon.on(`GET ${path}`, json(on));
    daemon.on(`PUT ${path}`, json({ ...on, enabled: false, nextInMs: null }));
    expect((await run(['autoprotect', 'demo'])).stdout).toBe(
      'AutoProtect of demo is on: takes a snapshot every hour of running time, keeps 5 (2 now); next snapshot after 3 min more of running time\n',
    );
    daemon.on(`GET ${path}`, json({ ...on, every: '1d', nextInMs: 86_100_000 }));
    expect((await run(['autoprotect', 'demo'])).stdout).toContain('every day of running time');
    expect((await run(['autoprotect', 'demo'])).stdout).toContain('after 23 h 55 min more of running time\n');
    expect((await run(['autoprotect', 'demo', 'off'])).stdout).toBe('AutoProtect of demo is off (2 now)\n');
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
  it('knows disks and snapshots, by path where two have the same label', async () => {
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
