import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { verbs } from '../../src/cli/kame/verbs.ts';
import { bodies, daemon, result, run, useDaemon } from './cli-run.ts';
import { demo, demoDetails, demoRunning, demoStarted } from './cli-samples.ts';
import { json, lines, problem, subVerbs } from './cli-support.ts';

useDaemon();

// oxlint-disable-next-line no-control-regex -- they are what must not be there
const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

/** A public key of a type, as ssh-keygen writes it. */
function key(type: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return `${type} ${Buffer.concat([length, Buffer.from(type), Buffer.alloc(36, 7)]).toString('base64')}`;
}

describe('help', () => {
  it('lists every verb, and every verb has examples and --json', async () => {
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    for (const { name, summary } of verbs) {
      expect(stdout).toMatch(new RegExp(`^  ${name}[ |]`, 'm'));
      expect(stdout).toContain(summary);
    }
    const leaves = verbs.flatMap(
      ({ name }) => subVerbs[name]?.split(' ').map((sub) => [name, ...sub.split('.')]) ?? [[name]],
    );
    for (const words of leaves) {
      const help = await run([...words, '--help']);
      expect({ words, code: help.code }).toEqual({ words, code: 0 });
      expect(help.stdout).toContain('\nExamples:\n  $ ');
      expect(help.stdout).toContain('print JSON: ');
      expect(help.stderr).toBe('');
    }
    expect(daemon.requests).toEqual([]);
  });

  it('is shown by `help VERB` too', async () => {
    expect((await run(['help', 'start'])).stdout).toBe((await run(['start', '--help'])).stdout);
  });
});

describe('wrong usage', () => {
  it.each([
    [['lst'], /Unknown command 'lst'\.\n {2}Did you mean .*list/],
    [['list', '--jsn'], /Unknown option '--jsn'\.\n {2}Did you mean --json\?/],
    [['image', 'pul', 'x'], /Unknown command 'pul'\.\n {2}Did you mean pull\?/],
    [['start'], /Missing required argument 'name'/],
    [['show', 'a', 'b'], /Too many arguments/],
    [['start', 'demo', '--wait', 'forever'], /Allowed choices are agent, boot, none/],
    [['start', 'demo', '--timeout', 'soon'], /--timeout is "soon", which is not a number of seconds/],
    [['create', 'demo', '--cpus', '0'], /--cpus is "0", which is not a whole number from 1 to 512/],
    [['create', 'demo', '--memory', 'much'], /--memory is "much", which is not a size/],
    [['create', 'demo', '--wait', 'boot'], /can only be used with --start/],
    [['set', 'demo', 'cpus'], /"cpus" is malformed: it must be key=value/],
    [['set', 'demo', '=4'], /"=4" is malformed: it must be key=value/],
    [['delete', ''], /The name of the machine is empty/],
    [['show', ''], /The name of the machine is empty/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
  ])('%j ends with 2', async (argv, message) => {
    const { code, stdout, stderr } = await run(argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^kame: /);
    expect(stderr).toMatch(message);
    expect(daemon.requests).toEqual([]);
  });

  it('is JSON with --json', async () => {
    const { code, stderr } = await run(['start', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'USAGE', details: {} });
  });
});

describe('list', () => {
  it('aligns its table and has no escapes without a terminal', async () => {
    daemon.on(
      'GET /v1/machines',
      json([
        demoRunning,
        {
          ...demo,
          name: 'a-longer-name',
          state: 'broken',
          reason: 'x.vmx is\nnot there.',
          arch: null,
          cpus: 0,
        },
      ]),
    );
    const { code, stdout, stderr } = await run(['ls']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Broken: a-longer-name: x.vmx is\\x0anot there.\n' });
    expect(stdout.split('\n')).toEqual([
      'NAME           STATE    ARCH     ACCEL  CPUS  MEMORY  IP         AGENT',
      'demo           running  aarch64  tcg       2   1 GiB  10.0.2.15  yes',
      'a-longer-name  broken   -        -         -       -  -          -',
      '',
    ]);
    expect(daemon.requests[0]?.headers['x-kame-version']).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('has colours on a terminal only, and not with NO_COLOR or a dumb terminal', async () => {
    daemon.on('GET /v1/machines', json([demoRunning]));
    expect((await run(['list'], { tty: true })).stdout).toContain('\u001b[32mrunning');
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      expect((await run(['list'], { tty: true, env })).stdout).not.toMatch(escapes);
    }
    expect((await run(['list'], { tty: true, env: { NO_COLOR: '' } })).stdout).toContain('\u001b[');
  });

  it('shows control characters of names instead of sending them', async () => {
    daemon.on('GET /v1/machines', json([{ ...demo, name: 'x\u001b]0;pwned\u0007\u009b2J\u202e' }]));
    const { stdout } = await run(['list']);
    expect(stdout).toContain('x\\x1b]0;pwned\\x07\\x9b2J\\u202e');
    const asJson = (await run(['list', '--json'])).stdout;
    expect(asJson).not.toMatch(escapes);
    expect(JSON.parse(asJson)).toMatchObject([{ name: 'x\u001b]0;pwned\u0007\u009b2J\u202e' }]);
  });

  it('quotes a name in a command, and shows a line break in a reason', async () => {
    const broken = { ...demo, name: 'my vm', state: 'suspended' };
    daemon.on('GET /v1/machines', json([broken]));
    expect((await run(['list'])).stderr).toContain("`kame start 'my vm'` resumes it");
  });

  it('is not complete if a directory cannot be read: it says why, and ends with 1', async () => {
    const path = '/home/k/machines';
    const row = { ...demo, name: path, path, id: '', arch: null, state: 'broken', reason: `${path}: no.` };
    daemon.on('GET /v1/machines', json([demo, row]));
    const { code, stdout, stderr } = await run(['list']);
    expect([code, stderr]).toEqual([1, `Broken: ${path}: no.\n`]);
    expect(stdout).toContain('demo');
    expect((await run(['list', '--json'])).code).toBe(1);
  });

  it('prints the API’s array with --json', async () => {
    daemon.on('GET /v1/machines', json([demo, demoRunning]));
    const { stdout } = await run(['list', '--json']);
    expect(api.machine.array().parse(JSON.parse(stdout))).toEqual([demo, demoRunning]);
  });
});

describe('errors of the daemon', () => {
  it.each([
    [404, 'NO_SUCH_MACHINE', 3],
    [409, 'WRONG_STATE', 4],
    [503, 'ENGINE_MISSING', 5],
    [500, 'INTERNAL', 1],
    [500, 'A_CODE_OF_THE_FUTURE', 1],
  ])('%i %s', async (status, code, exit) => {
    daemon.on('GET /v1/machines/dmo', problem(status, code, 'There is no dmo.\nDid you mean\u001b demo?'));
    const { code: exitCode, stderr, stdout } = await run(['show', 'dmo']);
    expect({ exitCode, stdout }).toEqual({ exitCode: exit, stdout: '' });
    expect(stderr).toBe('kame: There is no dmo.\n  Did you mean\\x1b demo?\n  Do this.\n');
  });

  it('are JSON with --json', async () => {
    daemon.on('GET /v1/machines/dmo', problem(404, 'NO_SUCH_MACHINE', 'There is no dmo.'));
    const { code, stdout, stderr } = await run(['show', 'dmo', '--json']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      code: 'NO_SUCH_MACHINE',
      message: 'There is no dmo.',
      next: 'Do this.',
      details: {},
    });
  });

  it('that are malformed are errors too', async () => {
    daemon.on('GET /v1/machines', (response) => response.writeHead(500).end('<html>'));
    expect(await run(['list'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HTTP status 500'),
    });
    daemon.on('GET /v1/machines', (response) => response.writeHead(200).end('{'));
    expect(await run(['list'])).toMatchObject({ code: 1, stderr: expect.stringContaining('not JSON') });
  });
});

describe('create', () => {
  beforeEach(() => {
    daemon.on('POST /v1/machines', result(demoDetails));
    daemon.on(`POST /v1/machines/${encodeURIComponent(demo.path)}/start`, result(demoStarted));
  });

  it('asks for tiny by default, and for no image with --iso', async () => {
    const { code, stdout } = await run(['create', 'demo']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `demo was created: ${demo.path}\n` });
    await run(['create', 'demo', '--iso', 'sub/x.iso']);
    expect(bodies()).toEqual([
      { name: 'demo', image: 'tiny' },
      { name: 'demo', iso: join(daemon.home, 'sub/x.iso') },
    ]);
  });

  it('tells ids, paths and URLs apart', async () => {
    await writeFile(join(daemon.home, 'here'), '');
    const texts = ['debian-12', 'here', './there.qcow2', '/abs.raw', 'sub/x.vmdk', 'https://e.org/a.qcow2'];
    for (const image of texts) await run(['create', 'demo', '--image', image]);
    const { home } = daemon;
    expect(bodies().map((body) => (body as { image: string }).image)).toEqual([
      'debian-12',
      `${home}/here`,
      `${home}/there.qcow2`,
      '/abs.raw',
      `${home}/sub/x.vmdk`,
      'https://e.org/a.qcow2',
    ]);
  });

  it('sends every option in the form of the API', async () => {
    await writeFile(join(daemon.home, 'k.pub'), `# mine\n${key('ssh-ed25519')} me\n\n${key('ssh-rsa')}\n`);
    const words =
      '--arch x86_64 --cpus 4 --memory 1.5GiB --disk 20GB --guest-os debian12-64 --user me --ssh-key k.pub';
    const { code } = await run(['create', 'demo', ...words.split(' '), '--set', 'a.b=c=d', '--set', 'e=']);
    expect(code).toBe(0);
    const body = api.createMachine.parse(bodies()[0]);
    expect(body).toEqual({
      name: 'demo',
      image: 'tiny',
      arch: 'x86_64',
      cpus: 4,
      memoryBytes: 1.5 * 1024 ** 3,
      diskBytes: 20e9,
      guestOS: 'debian12-64',
      user: 'me',
      sshKeys: [`${key('ssh-ed25519')} me`, key('ssh-rsa')],
      settings: [
        { key: 'a.b', value: 'c=d' },
        { key: 'e', value: '' },
      ],
    });
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['a key that is cut off', 'ssh-ed25519 AAAAC3NzaC1l\n'],
    ['a key of another type', `ssh-rsa ${key('ssh-ed25519').split(' ')[1]}\n`],
    ['a key and something else', `${key('ssh-ed25519')}\nlocalhost\n`],
    ['a line of known_hosts', 'host 1024 35 1234567890\n'],
  ])('refuses a file with %s as keys', async (_what, content) => {
    await writeFile(join(daemon.home, 'k'), content);
    const { code, stderr } = await run(['create', 'demo', '--ssh-key', 'k']);
    expect([code, daemon.requests]).toEqual([2, []]);
    expect(stderr).toMatch(/k is not an SSH public key, or a file of such keys\.\n.*ssh-keygen/);
  });

  it('takes keys with options, and of other types', async () => {
    const lines = [`from="10.0.0.1 x" ${key('ecdsa-sha2-nistp256')} a b`, key('sk-ssh-ed25519@openssh.com')];
    await writeFile(join(daemon.home, 'k'), lines.join('\n'));
    expect((await run(['create', 'demo', '--ssh-key', 'k'])).code).toBe(0);
    expect(bodies()).toMatchObject([{ sshKeys: lines }]);
  });

  it('keeps private keys here', async () => {
    await writeFile(join(daemon.home, 'k'), '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n');
    const { code, stderr } = await run(['create', 'demo', '--ssh-key', 'k']);
    expect(code).toBe(2);
    expect(stderr).toContain('is a private key');
    expect(stderr).not.toContain('secret');
    expect(await run(['create', 'demo', '--ssh-key', 'nowhere'])).toMatchObject({ code: 1 });
    expect(daemon.requests).toEqual([]);
  });

  it('starts what it made with --start', async () => {
    const { code, stdout } = await run([
      'create',
      'demo',
      '--start',
      '--wait',
      'boot',
      '--timeout',
      '2.5',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(api.startedMachine.parse(JSON.parse(stdout))).toEqual(demoStarted);
    expect(bodies()[1]).toEqual({ wait: 'boot', timeoutMs: 2500 });
  });
});

describe('start and its kin', () => {
  const started = (name: string) => result({ ...demoStarted, name });

  it('says how the start went, and gives --json an object', async () => {
    daemon.on('POST /v1/machines/demo/start', started('demo'));
    expect((await run(['start', 'demo'])).stdout).toBe(
      'demo is running: agent answered after 1.8 s on tcg (kvm runs x86_64 guests only here), 10.0.2.15\n',
    );
    const { stdout } = await run(['start', 'demo', '--json']);
    expect(api.startedMachine.parse(JSON.parse(stdout)).timings).toMatchObject({
      spawnMs: 12,
      qmpMs: 85,
      agentMs: 1800,
    });
    expect(api.startMachine.parse(bodies()[0])).toMatchObject({ wait: 'agent', timeoutMs: 300_000 });
  });

  it('tries all names; the worst exit code wins', async () => {
    daemon.on('POST /v1/machines/a/start', started('a'));
    daemon.on('POST /v1/machines/b/start', problem(409, 'WRONG_STATE', 'It runs already.'));
    daemon.on('POST /v1/machines/c/start', problem(404, 'NO_SUCH_MACHINE', 'There is no machine c.'));
    daemon.on('POST /v1/machines/d/start', started('d'));
    const { code, stdout, stderr } = await run(['start', 'a', 'b', 'c', 'd']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/^a is running.*\nd is running.*\n$/);
    expect(stderr).toBe('kame: b: It runs already.\n  Do this.\nkame: There is no machine c.\n  Do this.\n');
    const asJson = await run(['start', 'a', 'c', 'd', '--json']);
    expect(JSON.parse(asJson.stdout)).toMatchObject([{ name: 'a' }, { name: 'd' }]);
    expect(JSON.parse(asJson.stderr)).toMatchObject({ code: 'NO_SUCH_MACHINE' });
  });

  it('prints stages, once each, without a terminal, and nothing with --json', async () => {
    const progress = (stage: string, done?: number) => ({
      type: 'progress',
      progress: { stage, done, total: 10 },
    });
    daemon.on(
      'POST /v1/machines/demo/start',
      lines(progress('Engine'), progress('Engine', 5), progress('Boot\u001b[2J'), {
        type: 'result',
        result: demoStarted,
      }),
    );
    expect((await run(['start', 'demo'])).stderr).toBe('demo: Engine\ndemo: Boot\\x1b[2J\n');
    expect((await run(['start', 'demo', '--json'])).stderr).toBe('');
  });

  it('fails with an error line, or when the answer ends without a result', async () => {
    const error = { code: 'GUEST_TIMEOUT', message: 'demo did not answer.', next: 'Wait.', details: {} };
    daemon.on('POST /v1/machines/demo/start', lines({ type: 'error', error }));
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 1,
      stderr: 'kame: demo did not answer.\n  Wait.\n',
    });
    daemon.on('POST /v1/machines/demo/start', lines({ type: 'progress', progress: { stage: 'Engine' } }));
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('The daemon ended'),
    });
    daemon.on('POST /v1/machines/demo/start', (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"type":"progress",', () => response.destroy());
    });
    expect(await run(['start', 'demo'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('The daemon ended'),
    });
  });

  it('prints the plan with --dry-run', async () => {
    const plan = {
      binary: 'q',
      args: ['-S'],
      text: 'q \\\n  -S',
      accelerator: 'tcg',
      acceleratorReason: 'r',
      machineType: 'virt',
      notes: [],
    };
    daemon.on('GET /v1/machines/demo/plan', json(plan));
    expect((await run(['start', 'demo', '--dry-run'])).stdout).toBe('q \\\n  -S\n');
    expect(JSON.parse((await run(['start', 'demo', '--dry-run', '--json'])).stdout)).toEqual(plan);
  });

  it('sends what was said to stop and restart, and no more', async () => {
    daemon.on('POST /v1/machines/demo/stop', result(demo));
    daemon.on('POST /v1/machines/demo/restart', result(demoStarted));
    expect((await run(['stop', 'demo'])).stdout).toBe('demo is stopped\n');
    await run(['stop', 'demo', '--hard', '--timeout', '5']);
    await run(['restart', 'demo', '--wait', 'none']);
    expect(bodies()).toEqual([{}, { hard: true, timeoutMs: 5000 }, { wait: 'none' }]);
  });

  it('pauses and unpauses', async () => {
    daemon.on('POST /v1/machines/demo/pause', json({ ...demoRunning, state: 'paused' }));
    daemon.on('POST /v1/machines/demo/unpause', json(demoRunning));
    expect((await run(['pause', 'demo'])).stdout).toBe('demo is paused\n');
    expect(api.machine.parse(JSON.parse((await run(['unpause', 'demo', '--json'])).stdout))).toEqual(
      demoRunning,
    );
  });

  it('makes the path of a .vmx absolute', async () => {
    daemon.on(`POST /v1/machines/${encodeURIComponent(join(daemon.home, 'm/x.vmx'))}/start`, started('x'));
    expect((await run(['start', 'm/x.vmx'])).code).toBe(0);
  });
});

describe('the guest and the host', () => {
  it('prints the address, or says that there is none', async () => {
    const interfaces = [{ name: 'eth0', mac: null, addresses: [{ address: '10.0.2.15', prefix: 24 }] }];
    daemon.on('GET /v1/machines/demo/addresses', json({ ip: '10.0.2.15', interfaces }));
    expect((await run(['ip', 'demo'])).stdout).toBe('10.0.2.15\n');
    expect(api.addresses.parse(JSON.parse((await run(['ip', 'demo', '--json'])).stdout)).interfaces).toEqual(
      interfaces,
    );
    daemon.on('GET /v1/machines/demo/addresses', json({ ip: null, interfaces: [] }));
    expect(await run(['ip', 'demo'])).toMatchObject({ code: 1, stdout: '' });
  });

  it('saves a screenshot where the user stands', async () => {
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255]);
    daemon.on('GET /v1/machines/demo/screenshot', (response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(png),
    );
    const path = join(daemon.home, 's.png');
    const { stdout } = await run(['screenshot', 'demo', 's.png', '--json']);
    expect(JSON.parse(stdout)).toEqual({ name: 'demo', path, sizeBytes: png.length });
    await mkdir(join(daemon.home, 'directory'));
    const failed = await run(['screenshot', 'demo', 'directory']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(join(daemon.home, 'directory'));
  });

  it('lists, pulls, imports and deletes images', async () => {
    const image = {
      id: 'debian-12',
      name: 'Debian 12',
      arch: 'aarch64',
      source: 'catalogue',
      guestOS: null,
      sizeBytes: 1024 ** 2,
      cached: true,
      path: '/i',
    };
    daemon.on('GET /v1/images', json([image]));
    daemon.on('POST /v1/images/pull', result(image));
    daemon.on('POST /v1/images/import', result(image));
    daemon.on('DELETE /v1/images/debian-12', json({ ok: true }));
    expect((await run(['image', 'ls'])).stdout).toContain(
      'debian-12  Debian 12  aarch64  catalogue  1 MiB  yes\n',
    );
    expect(
      JSON.parse((await run(['image', 'pull', 'debian-12', '--arch', 'aarch64', '--json'])).stdout),
    ).toEqual(image);
    expect((await run(['image', 'import', 'x.vmdk', '--name', 'n'])).code).toBe(0);
    expect((await run(['image', 'delete', 'debian-12', '--arch', 'x86_64'])).code).toBe(0);
    expect(bodies().slice(1, 3)).toEqual([
      { image: 'debian-12', arch: 'aarch64' },
      { path: join(daemon.home, 'x.vmdk'), name: 'n' },
    ]);
    expect(daemon.requests.at(-1)?.path).toBe('/v1/images/debian-12?arch=x86_64');
  });

  it('lets doctor fail with 5', async () => {
    const checks = [{ name: 'kvm', status: 'failed', message: 'no guest boots', next: 'Use tcg.' }];
    daemon.on('POST /v1/doctor', result({ ok: false, checks }));
    const { code, stdout } = await run(['doctor', '--fresh']);
    expect(code).toBe(5);
    expect(stdout).toBe('CHECK  STATUS  FOUND\nkvm    failed  no guest boots\nkvm: Use tcg.\n');
    expect(bodies()).toEqual([{ fresh: true }]);
  });
});
