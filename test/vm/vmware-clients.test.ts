import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect } from 'vitest';
import { poll } from '../../src/core/deadline.ts';
import { freePort } from '../../src/sys/port-probe.ts';
import { guestTest } from '../support/guest-test.ts';
import { builtIn, type TestHome } from '../support/home.ts';

// Clients of VMware's programs that others have written, as Debian has them: fission and libvirt drive vmrun, and OpenAPI::Client
// builds its calls of vmrest from the Swagger document.

const inCI = process.env['CI'] !== undefined;
const has = async (command: string, ...args: string[]): Promise<boolean> =>
  inCI || (await execa(command, args, { reject: false })).exitCode === 0;
const [hasFission, hasLibvirt, hasOpenApi] = await Promise.all([
  has('fission', '-v'),
  has('virsh', '-v'),
  has('perl', '-MOpenAPI::Client', '-e', '1'),
]);
const it = guestTest();
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

describe.runIf(hasFission)('fission, a client of vmrun', () => {
  it('lists, suspends, starts, snapshots and stops a machine, and finds its address', async ({
    home,
    demo,
  }) => {
    const config = {
      vm_dir: join(home.path, 'machines'),
      vmrun_bin: join(builtIn, 'compat/vmrun'),
      lease_file: join(home.path, 'vmware/vmnet8/dhcpd/dhcpd.leases'),
    };
    await writeFile(join(home.path, '.fissionrc'), JSON.stringify(config));
    const env = { ...home.env, HOME: home.path };
    const fission = async (...words: string[]) => (await execa('fission', words, { env })).stdout;
    expect(await fission('status')).toMatch(/^demo\s+\[running\]$/mu);
    expect(await fission('suspend', 'demo')).toContain("VM 'demo' suspended");
    expect(await demo.state()).toBe('suspended');
    expect(await fission('start', '--headless', 'demo')).toContain("VM 'demo' started");
    expect(await fission('snapshot', 'create', 'demo', 'one')).toContain("Snapshot 'one' created");
    expect(await fission('snapshot', 'list', 'demo')).toBe('one');
    expect(await fission('stop', 'demo')).toContain("VM 'demo' stopped");
    expect(await demo.state()).toBe('stopped');
    await fission('start', '--headless', 'demo');
    await home.vmrun('getGuestIPAddress', demo.file('demo.vmx'), '-wait');
    await home.json('compat', 'networks', join(home.path, 'vmware'));
    expect(await fission('info', 'demo')).toMatch(/^ethernet0 ip address: 192\.168\.\d+\.\d+$/mu);
  });
});

describe.runIf(hasLibvirt)('libvirt’s driver for VMware, a client of vmrun', () => {
  it('lists, describes, shuts down and starts a machine', async ({ home, demo }) => {
    const env = {
      ...home.env,
      HOME: home.path,
      PATH: `${join(builtIn, 'compat')}:${process.env['PATH'] ?? ''}`,
    };
    // It knows what it has shut down until it is closed, so this is one session.
    const virsh = async (...words: string[]) =>
      (await execa('virsh', ['-q', '-c', 'vmwareplayer:///session', words.join(';')], { env })).stdout;
    expect(await virsh('dominfo demo')).toMatch(/^State: +running$[\s\S]+^Max memory: +196608 KiB$/mu);
    expect(await virsh('shutdown demo', 'list --all', 'start demo', 'list')).toMatch(
      /^ - +demo +shut off\n \d+ +demo +running$/u,
    );
    expect(await demo.state()).toBe('running');
  });
});

/** Starts the built vmrest, with a password. @returns its address */
async function startVmrest(home: TestHome, login: string): Promise<AsyncDisposable & { address: string }> {
  const [user, password] = login.split(':');
  const program = join(builtIn, 'compat/vmrest');
  const env = { ...process.env, ...home.env, HOME: home.path };
  await execa(program, ['-C'], { env, input: `${user}\n${password}\n${password}\n` });
  const port = await freePort('127.0.0.1');
  const server = spawn(program, ['-p', String(port)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  for await (const line of createInterface(server.stdout)) if (line.startsWith('Press')) break;
  return {
    address: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.kill('SIGTERM');
      await ended;
    },
  };
}

/** Debian's JSON::Validator lacks the schema of schemas, and would look for it in the internet. */
async function cacheMetaSchema(directory: string): Promise<void> {
  const name = createHash('md5').update('http://json-schema.org/draft-04/schema').digest('hex');
  const source = here('../../node_modules/ajv-draft-04/dist/refs/json-schema-draft-04.json');
  await mkdir(directory);
  await copyFile(source, join(directory, name));
}

type Answer = readonly [status: number, body: unknown];

/** The Perl client, which is asked for one operation after the other. */
async function startClient(home: TestHome, address: string, login: string) {
  const cache = join(home.path, 'schemas');
  await cacheMetaSchema(cache);
  const client = spawn('perl', [here('programs/vmrest-client.pl'), address, login], {
    env: { ...process.env, JSON_VALIDATOR_CACHE_PATH: cache },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface(client.stdout)[Symbol.asyncIterator]();
  return {
    call: async (operation: string, parameters: object = {}): Promise<Answer> => {
      client.stdin.write(`${JSON.stringify([operation, parameters])}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`The client ended at ${operation}.`);
      return JSON.parse(value) as Answer;
    },
    [Symbol.dispose]: () => void client.stdin.end(),
  };
}

describe.runIf(hasOpenApi)('OpenAPI::Client, a client of vmrest', () => {
  it('finds, pauses, changes, starts, clones and deletes machines', async ({ home, demo }) => {
    const login = 'ada:Passw0rd!';
    await using server = await startVmrest(home, login);
    using client = await startClient(home, server.address, login);
    const { call } = client;
    const [, machines] = await call('getAllVMs');
    const [{ id }] = machines as [{ id: string }];
    expect(machines).toEqual([{ id, path: demo.file('demo.vmx') }]);
    const state = async () => (await call('getPowerState', { id }))[1];
    expect(await state()).toEqual({ power_state: 'poweredOn' });
    const ip = expect.stringMatching(/^192\.168\.\d+\.\d+$/u) as unknown;
    expect(await call('getIPAddress', { id })).toEqual([200, { ip }]);
    const change = async (body: string) => await call('changePowerState', { id, body });
    expect(await change('pause')).toEqual([200, { power_state: 'paused' }]);
    expect(await change('unpause')).toEqual([200, { power_state: 'poweredOn' }]);
    expect(await change('shutdown')).toEqual([200, { power_state: 'poweredOff' }]);
    expect(await call('updateVM', { id, body: { memory: 256 } })).toEqual([
      200,
      { id, cpu: { processors: 1 }, memory: 256 },
    ]);
    const [status, clone] = await call('createVM', { body: { name: 'second', parentId: id } });
    expect([status, clone]).toMatchObject([201, { memory: 256 }]);
    expect(await call('deleteVM', { id: (clone as { id: string }).id })).toEqual([204, null]);
    expect(await change('on')).toEqual([200, { power_state: 'poweredOn' }]);
    const look = async () => ((await call('getIPAddress', { id }))[0] === 200 ? true : undefined);
    expect(await poll(look, { deadlineMs: 60_000 })).toBe(true);
    expect(await demo.sh('cat /proc/meminfo')).toMatch(/^MemTotal: +2\d{5} kB$/mu);
  });
});
