import { describe, expect, it } from 'vitest';
import * as api from '../../src/api/machine.ts';
import { verbs } from '../../src/cli/kame/verbs.ts';
import { daemon, run, useDaemon } from './cli-run.ts';
import { demo, demoRunning } from './cli-samples.ts';
import { json, problem, subVerbs } from './cli-support.ts';

useDaemon();

// oxlint-disable-next-line no-control-regex -- they are what must not be there
const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

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
    [['start', 'demo', '--wait', 'forever'], /Allowed choices are agent, boot, network, login, none/],
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
