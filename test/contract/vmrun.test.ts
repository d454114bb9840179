import { EventEmitter } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/vmrun/commands.ts';
import { asked, bodies, daemon, result, useDaemon } from './cli-run.ts';
import { demo, demoDetails } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';
import { guestLines } from './vmrun-guest-lines.ts';
import { login, machineLines, V, type Golden } from './vmrun-lines.ts';
import { vmrun } from './vmrun-run.ts';

// Every command of vmrun and every line it prints, against a daemon that says what a test wants.

useDaemon();

const machine = `/v1/machines/${encodeURIComponent(V)}`;
const run = async (...argv: string[]) => await vmrun(daemon.home, argv);
function reply({ replies }: Golden): string[] {
  return Object.entries(replies).map(([name, handler]) => {
    const [method = '', path = ''] = name.split(' ');
    const route = `${method} ${path.startsWith('/v1/') ? path : `${machine}${path}`}`;
    const [plain = ''] = route.split('?');
    daemon.on(plain, handler);
    return route;
  });
}

async function check(argv: readonly string[], expected: Golden): Promise<void> {
  daemon.on(`POST ${machine}/guest/users/root/check-password`, json({ valid: true }));
  const routes = reply(expected);
  const { code, stdout } = await run(...argv);
  expect({ code, stdout }).toEqual({ code: expected.code ?? 0, stdout: expected.stdout ?? '' });
  const requests = asked().filter((each) => !each.endsWith('/check-password'));
  expect(requests).toEqual(routes);
  const sent = bodies().filter((body) => body !== undefined);
  expect(sent).toEqual(expected.bodies ?? sent);
}

const lines = [...machineLines, ...guestLines];

describe('vmrun', () => {
  it.each(lines)('%j', check);

  it('knows every command of the table by a line above, or in the tests of programs and files', () => {
    const tested = new Set(lines.flatMap(([argv]) => argv).map((word) => word.toLowerCase()));
    const elsewhere = new Set(['captureScreen', 'copyFileFromHostToGuest', 'copyFileFromGuestToHost']);
    const untested = commands
      .map(({ name }) => name)
      .filter((name) => !tested.has(name.toLowerCase()) && !elsewhere.has(name))
      .filter((name) => !/^(?:vprobe|begin|end)/u.test(name));
    expect(untested).toEqual([]);
  });

  it('changes a name that another machine has', async () => {
    daemon.on('GET /v1/machines', json([demo, { ...demo, name: 'demo-2' }]));
    daemon.on(`POST ${machine}/clone`, result({ machines: [], agentMs: [], notes: [] }));
    await run('clone', V, 'rel/a.vmx', 'linked', '-cloneName=demo');
    expect(bodies().at(-1)).toMatchObject({ name: 'demo-3', path: join(daemon.home, 'rel/a.vmx') });
  });

  it('saves a screenshot', async () => {
    daemon.on(`POST ${machine}/guest/users/root/check-password`, json({ valid: true }));
    daemon.on(`GET ${machine}/screenshot`, (response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).end('picture');
    });
    expect(await run(...login, 'captureScreen', V, 'screen.png')).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(join(daemon.home, 'screen.png'), 'utf8')).toBe('picture');
  });

  it.each([
    [['Frobnicate'], 'Unrecognized command: Frobnicate'],
    [['-x', 'y', 'list'], 'Unrecognized flag: -x'],
    [['start'], 'No Vm name provided'],
    [['start', ''], 'No Vm name provided'],
    [['start', 'demo'], 'Cannot open VM: demo, unknown file suffix'],
    [['snapshot', V], 'Insufficient parameters'],
    [['clone', V, '/x/y', 'full'], 'Cannot open VM: /x/y, unknown file suffix'],
    [['clone', V, '/x/y.vmx', 'half'], 'One of the parameters was invalid'],
    [
      ['start', '/x\nTotal running VMs: 1'],
      'Cannot open VM: /x\\x0aTotal running VMs: 1, unknown file suffix',
    ],
    [['setNetworkAdapter', V, '../1', 'nat'], 'One of the parameters was invalid'],
    [['addNetworkAdapter', V, 'custom'], 'One of the parameters was invalid'],
    [['setPortForwarding', 'vmnet8', 'tcp', '99999', 'a', '1'], 'One of the parameters was invalid'],
    [['connectNamedDevice', V, 'sata0:1'], 'The operation is not supported'],
    [['listProcessesInGuest', V], 'Invalid user name or password for the guest OS'],
    [['-gu', 'a/b', '-gp', 'x', 'listProcessesInGuest', V], 'Invalid user name or password for the guest OS'],
    [['-gu', 'a', '-gp', '', 'listProcessesInGuest', V], 'The guest OS does not support empty passwords'],
  ])('refuses %j', async (argv, message) => {
    expect(await run(...argv)).toMatchObject({ code: 255, stdout: `Error: ${message}\n` });
    expect(daemon.requests).toEqual([]);
  });

  it.each([
    ['NO_SUCH_MACHINE', `Cannot open VM: ${V}, The virtual machine cannot be found`],
    ['BROKEN_MACHINE', `Cannot open VM: ${V}, Cannot read the virtual machine configuration file`],
    ['BUSY', 'The file is already in use'],
    ['DISK_FULL', 'An error occurred while writing a file; the disk is full.'],
    ['ENGINE_FAILED', 'The virtual machine could not start'],
    ['OUTSIDE_FILES', 'Insufficient permissions in the host operating system'],
    ['CANCELLED', 'The operation was canceled'],
    ['BAD_IMAGE', 'What Kame says.'],
  ])('tells %s in the words of VMware, and what to do on standard error', async (code, text) => {
    daemon.on(`POST ${machine}/start`, problem(400, code, 'What Kame says.'));
    const { stdout, stderr, ...ran } = await run('start', V);
    expect([ran.code, stdout]).toEqual([255, `Error: ${text}\n`]);
    const told = text === 'What Kame says.' ? '' : 'vmrun: What Kame says.\n';
    expect(stderr).toBe(`${told}vmrun: Do this.\n`);
  });

  it('refuses a wrong password before anything is done', async () => {
    daemon.on(`POST ${machine}/guest/users/root/check-password`, json({ valid: false }));
    expect(await run(...login, 'deleteFileInGuest', V, '/x')).toMatchObject({
      code: 255,
      stdout: 'Error: Invalid user name or password for the guest OS\n',
    });
    expect(daemon.requests).toHaveLength(1);
  });

  it('acts as the user whose password it was', async () => {
    daemon.on(`POST ${machine}/guest/users/al%40x/check-password`, json({ valid: true }));
    daemon.on(`POST ${machine}/guest/files/remove`, json({ path: '/x' }));
    await run('-gu', 'al@x', '-gp', 'pw', 'deleteFileInGuest', V, '/x');
    expect(bodies()).toEqual([{ password: 'pw' }, { path: '/x', user: 'al@x' }]);
  });

  it('puts a machine that is there on the list, and tries again', async () => {
    const vmx = join(daemon.home, 'm', 'm.vmx');
    mkdirSync(join(daemon.home, 'm'));
    writeFileSync(vmx, '');
    let known = false;
    daemon.on('POST /v1/machines/register', (response, request) => {
      known = true;
      json(demoDetails)(response, request);
    });
    daemon.on(`POST /v1/machines/${encodeURIComponent(vmx)}/pause`, (response, request) => {
      const answer = known ? result(demo) : problem(404, 'NO_SUCH_MACHINE', 'There is none.');
      answer(response, request);
    });
    expect(await run('pause', 'm/m.vmx')).toMatchObject({ code: 0, stdout: '' });
    expect(bodies().filter((body) => body !== undefined)).toEqual([{ path: vmx, sameName: true }]);
  });

  it('ends at Ctrl-C', async () => {
    const signals = new EventEmitter();
    daemon.on(`POST ${machine}/suspend`, () => signals.emit('SIGINT'));
    expect(await vmrun(daemon.home, ['suspend', V], { signals })).toMatchObject({
      code: 255,
      stdout: 'Error: The operation was canceled\n',
    });
    expect(signals.eventNames()).toEqual([]);
  });

  it('prints its version and its usage without a command', async () => {
    const { code, stdout } = await run();
    expect(code).toBe(255);
    expect(stdout).toMatch(
      /^\nvmrun version 1\.17\.0 build-0 \(Kame [0-9.]+\)\n\nUsage: vmrun \[AUTHENTICATION-FLAGS\]/u,
    );
    for (const { name } of commands) expect(stdout).toContain(`\n${name.padEnd(25)}`);
  });
});
