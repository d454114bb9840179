import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeSwitch } from '../../../test/support/fake-switch.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { poll } from '../../core/deadline.ts';
import { KameError } from '../../core/errors.ts';
import { noShape } from '../../model/link-shape.ts';
import { usualNetwork } from '../../model/network-defaults.ts';
import type { Network } from '../../model/network.ts';
import type { SwitchConfig } from '../../network/switch-config.ts';
import { natSocketsIn, type NatPlan } from '../../qemu/network/nat-plan.ts';
import { isAlive, identify } from '../../sys/process-identity.ts';
import { endCompanions } from '../companion/companion.ts';
import type { NetworkBook } from './network-book.ts';
import type { PluggedMachine } from './plugged.ts';
import { networkNamesIn } from '../../store/names.ts';
import { RunningNetwork } from './running-network.ts';

const temporary = useTemporaryDirectory();

/** Answers like the monitor of a NAT, and keeps what it was told beside its socket. */
const fakeNat = `
  const socket = process.argv[2].slice(5).split(',')[0];
  const fs = require('fs');
  try { fs.unlinkSync(socket); } catch {}
  require('net').createServer((client) => {
    client.on('error', () => {});
    client.write(JSON.stringify({ QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 }, package: '' }, capabilities: [] } }) + '\\n');
    client.on('data', (chunk) => {
      for (const line of String(chunk).trim().split('\\n')) {
        const { id, arguments: args } = JSON.parse(line);
        if (args) fs.appendFileSync(socket + '.told', args['command-line'] + '\\n');
        client.write(JSON.stringify({ return: args ? '' : {}, id }) + '\\n');
      }
    });
  }).listen(socket);`;

const mac = '00:0c:29:00:00:01';
const web: PluggedMachine = {
  vmx: '/web.vmx',
  id: 'uuid-web',
  name: 'web',
  run: '/run/aaaaaaaa',
  adapters: [{ index: 0, mac, network: { name: 'vmnet8' }, socket: '/run/aaaaaaaa/net0', shape: noShape }],
};

let directory = '';
let stored: Network = usualNetwork('vmnet8', 'nat', '192.168.77.0/24');
let natArgument = 'first';
let running: RunningNetwork[] = [];

function natPlan(): NatPlan {
  const sockets = natSocketsIn(directory);
  const qmp = `unix:${sockets.monitor},server=on,wait=off`;
  return { ...sockets, binary: process.execPath, args: ['-e', fakeNat, '--', '-qmp', qmp, natArgument] };
}

const book: NetworkBook = {
  entryOf: async () =>
    await Promise.resolve({
      network: stored,
      services: null,
      addresses: { [mac]: '192.168.77.130' },
      others: ['192.168.78.0/24'],
    }),
  natPlanOf: async () => await Promise.resolve(natPlan()),
  labels: async () => await Promise.resolve(new Map([['/web.vmx', 'web']])),
  ownerOf: async () => await Promise.resolve(null),
};

function network(switchSource = fakeSwitch): RunningNetwork {
  const names = networkNamesIn(directory, join(directory, 'leases.json'));
  const made = new RunningNetwork({ name: 'vmnet8' }, names, {
    book,
    switchProgram: { command: process.execPath, args: ['-e', switchSource] },
    log: () => undefined,
    ready: Promise.resolve(),
  });
  running.push(made);
  return made;
}

async function started(): Promise<RunningNetwork> {
  const made = network();
  made.plug(web);
  await made.settled();
  expect(made.trouble).toBeNull();
  return made;
}

async function told(): Promise<string[]> {
  return (await readFile(join(directory, 'qmp.told'), 'utf8')).trim().split('\n');
}

/** Waits for a condition. @returns whether it holds in the end */
async function becomes(check: () => Promise<boolean>): Promise<boolean> {
  const held = await poll(async () => ((await check()) ? true : undefined), { deadlineMs: 10_000 });
  return held === true;
}

beforeEach(() => {
  directory = join(temporary(), 'net');
  stored = usualNetwork('vmnet8', 'nat', '192.168.77.0/24');
  natArgument = 'first';
  running = [];
});

afterEach(async () => {
  for (const each of running) await each.detach();
  await endCompanions(directory);
});

describe('a network that runs', () => {
  it('starts with its first machine, and tells its switch everything', async () => {
    const made = await started();
    const { running: runs, switchPid, natPid } = await made.status();
    expect([runs, switchPid !== null, natPid !== null]).toEqual([true, true, true]);
    const config = JSON.parse(await readFile(join(directory, 'switch.config'), 'utf8')) as SwitchConfig;
    expect(config).toMatchObject({
      network: 'vmnet8',
      uplink: { socket: join(directory, 'up'), outbound: true, forbidden: ['192.168.78.0/24'] },
      hosts: [{ mac, address: '192.168.77.130', label: 'web' }],
      ports: [{ id: 'aaaaaaaa/0', socket: '/run/aaaaaaaa/net0', mac, machine: 'web' }],
    });
  });

  it('ends with its last machine, and leaves nothing', async () => {
    const made = await started();
    const { switchPid } = await made.status();
    made.unplug(web.run);
    await made.settled();
    expect(existsSync(directory)).toBe(false);
    expect(await identify(switchPid ?? 0)).toBeUndefined();
  });

  it.each(['switchPid', 'natPid'] as const)('starts its %s again when that is killed', async (which) => {
    const made = await started();
    const before = (await made.status())[which] ?? 0;
    process.kill(before, 'SIGKILL');
    const another = async () => ![null, before].includes((await made.status())[which]);
    expect(await becomes(another)).toBe(true);
  });

  it('is found again by the next daemon, with the same processes', async () => {
    const first = await started();
    const { switchPid, natPid } = await first.status();
    await first.detach();
    const second = await started();
    expect(await second.status()).toMatchObject({ switchPid, natPid });
  });

  it('has its NAT started again when its options change', async () => {
    const made = await started();
    const { switchPid, natPid } = await made.status();
    const old = await identify(natPid ?? 0);
    natArgument = 'second';
    made.refresh();
    await made.settled();
    const after = await made.status();
    expect(after.switchPid).toBe(switchPid);
    expect(after.natPid).not.toBe(natPid);
    expect(old && (await isAlive(old))).toBe(false);
  });

  it('listens for its forwards, also after its NAT was killed', async () => {
    const forward = {
      transport: 'tcp',
      bind: '127.0.0.1',
      hostPort: 8080,
      target: { machine: 'uuid-web' },
      guestPort: 80,
    } as const;
    stored = { ...stored, forwards: [forward] };
    const made = await started();
    const { forwards, natPid } = await made.status();
    expect(forwards).toEqual([{ forward, state: 'listening', reason: null }]);
    process.kill(natPid ?? 0, 'SIGKILL');
    const line = 'hostfwd_add nat tcp:127.0.0.1:8080-192.168.77.130:80';
    const twice = async () => (await told()).filter((each) => each === line).length === 2;
    expect(await becomes(twice)).toBe(true);
  });

  it('says why its switch cannot start', async () => {
    const made = network('process.exit(7)');
    made.plug(web);
    await made.settled();
    expect(made.trouble).toContain('exit code 7');
    expect((await made.status()).running).toBe(false);
  });

  it('ends at once if its last machine stops while it starts', async () => {
    const made = network('setInterval(() => {}, 1000)');
    made.plug(web);
    expect(await becomes(async () => await Promise.resolve(existsSync(join(directory, 'switch.log'))))).toBe(
      true,
    );
    made.unplug(web.run);
    await made.settled();
    expect([made.trouble, existsSync(directory)]).toEqual([null, false]);
  });

  it('does not wait forever for its switch to start', async () => {
    const made = network('setInterval(() => {}, 1000)');
    made.plug(web);
    await made.detach();
    expect(made.trouble).toBeNull();
  });
});

it('a network that is missing in networks.json is reported', async () => {
  const missing: NetworkBook = {
    ...book,
    entryOf: async () =>
      await Promise.reject(new KameError('NO_SUCH_NETWORK', 'There is no network vmnet9.')),
  };
  const made = new RunningNetwork(
    { name: 'vmnet9' },
    { directory, control: join(directory, 'switch'), leases: '', switchLog: '', natLog: '' },
    {
      book: missing,
      switchProgram: { command: 'none', args: [] },
      log: () => undefined,
      ready: Promise.resolve(),
    },
  );
  running.push(made);
  made.plug(web);
  await made.settled();
  expect(made.trouble).toBe('There is no network vmnet9.');
});
