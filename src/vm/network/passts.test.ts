import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../../test/support/networks.ts';
import { services } from '../../../test/support/switch-world.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { poll } from '../../core/deadline.ts';
import { noShape } from '../../model/link-shape.ts';
import { adoptCompanions, endCompanions, startCompanion } from '../companion/companion.ts';
import type { NetworkEntry } from './network-book.ts';
import { passtPlansOf, type PasstPlan } from './passt-plan.ts';
import { Passts } from './passts.ts';

const temporary = useTemporaryDirectory();

const adapter = {
  index: 0,
  mac: '00:0c:29:00:00:01',
  network: { name: 'vmnet8' },
  socket: '/run/aaaaaaaa/net0',
  shape: noShape,
};
const machine = { vmx: '/web.vmx', id: 'web', name: 'web', run: '/run/aaaaaaaa', adapters: [adapter] };

let directory = '';
let changes = 0;
let made: Passts[] = [];

function passts(): Passts {
  const all = new Passts({ directory, changed: () => (changes += 1) });
  made.push(all);
  return all;
}

/** A program that does what it is told, whatever its options are. */
async function program(source: string): Promise<string> {
  const path = join(directory, 'passt');
  await writeFile(path, `#!${process.execPath}\n${source}`, { mode: 0o755 });
  return path;
}

const listens = `require('net').createServer().listen(process.argv.at(-1));`;

function plansOf(command: string, fields: Partial<NetworkEntry> = {}): PasstPlan[] {
  const entry: NetworkEntry = {
    network: sampleNetwork(),
    services,
    addresses: { [adapter.mac]: '192.168.77.130' },
    others: [],
    passt: { program: command },
    ...fields,
  };
  return passtPlansOf(entry, [{ machine, adapter }], directory);
}

/** The processes that run. */
async function pids(): Promise<number[]> {
  return (await adoptCompanions(directory)).map(({ process: { pid } }) => pid);
}

async function becomes(check: () => Promise<boolean>): Promise<void> {
  expect(await poll(async () => (await check()) || undefined, { deadlineMs: 10_000 })).toBe(true);
}

/** Waits for the first process. */
async function first(): Promise<number> {
  await becomes(async () => (await pids()).length === 1);
  const [pid = 0] = await pids();
  return pid;
}

/** Starts the process of a plan, as an earlier daemon has. @returns its id, when it listens */
async function started([plan]: readonly PasstPlan[]): Promise<number> {
  if (!plan) throw new Error('No plan.');
  const program = { ...plan, mark: ['--socket', plan.socket], logFile: join(directory, 'log') };
  return (await startCompanion(directory, program, { deadlineMs: 10_000 })).process.pid;
}

beforeEach(async () => {
  directory = join(temporary(), 'net');
  await mkdir(directory);
  [changes, made] = [0, []];
});

afterEach(async () => {
  for (const each of made) await each.letGo();
  await endCompanions(directory);
});

describe('a plan', () => {
  it('leads from the guest to the outside, and nowhere else', () => {
    const [plan] = plansOf('/usr/bin/passt');
    const text = plan?.args.join(' ');
    expect(plan).toMatchObject({ port: 'aaaaaaaa/0', command: '/usr/bin/passt' });
    for (const part of [
      ...['--address 192.168.77.130', '--netmask 24', '--gateway 192.168.77.2', '--mtu 1500'],
      ...['--mac-addr 52:55:c0:a8:4d:02', '--no-map-gw', '--tcp-ports none', '--no-udp', '--no-icmp'],
    ])
      expect(text).toContain(part);
  });

  it('is none without passt, without an address, and on a network without services', () => {
    expect(plansOf('', { passt: { none: 'passt is not installed' } })).toEqual([]);
    expect(plansOf('', { passt: null })).toEqual([]);
    expect(plansOf('passt', { addresses: {} })).toEqual([]);
    expect(plansOf('passt', { services: null })).toEqual([]);
  });
});

describe('the passts of a network', () => {
  it('run for each adapter, and end with it', async () => {
    const plans = plansOf(await program(listens));
    const all = passts();
    await all.apply(plans, []);
    await first();
    expect(all.trouble).toBeNull();
    expect([...all.socketsOf(plans)]).toEqual([['aaaaaaaa/0', plans[0]?.socket]]);
    await all.apply([], []);
    expect(await pids()).toEqual([]);
  });

  it('are found again by the next daemon, but for those with other options', async () => {
    const plans = plansOf(await program(listens));
    const before = await started(plans);
    const all = passts();
    await all.apply(plans, await adoptCompanions(directory));
    expect(await pids()).toEqual([before]);
    await all.apply(
      plansOf(join(directory, 'passt'), { addresses: { [adapter.mac]: '192.168.77.131' } }),
      [],
    );
    await becomes(async () => !(await pids()).includes(before));
    expect(await first()).not.toBe(before);
  });

  it('start again when they are killed, and say so if that happens again', async () => {
    const plans = plansOf(await program(listens));
    const before = await started(plans);
    const all = passts();
    await all.apply(plans, await adoptCompanions(directory));
    process.kill(before, 'SIGKILL');
    await becomes(async () => (await pids()).some((pid) => pid !== before));
    expect(all.trouble).toBeNull();
    for (const pid of await pids()) process.kill(pid, 'SIGKILL');
    await becomes(async () => all.trouble !== null);
    await becomes(async () => all.trouble === null);
  });

  it('say why they do not start, are not connected to then, and are tried again', async () => {
    const broken = `console.error('Failed to send 62 bytes to syslog\\nCannot create\\tuser namespace'); process.exit(1)`;
    const plans = plansOf(await program(broken));
    const all = passts();
    await all.apply(plans, []);
    await becomes(async () => all.trouble !== null);
    expect([all.trouble, all.socketsOf(plans).size]).toEqual(['Cannot create user namespace', 0]);
    expect(changes).toBe(1);
    await program(listens);
    await becomes(async () => all.trouble === null);
    expect([all.socketsOf(plans).size, changes]).toEqual([1, 2]);
  });

  it('leave nothing when they are let go before they listen', async () => {
    const all = passts();
    await all.apply(plansOf(await program('setInterval(() => {}, 1000)')), []);
    await all.letGo();
    expect(await pids()).toEqual([]);
    expect(existsSync(directory)).toBe(true);
  });

  it('say that a program is missing', async () => {
    const all = passts();
    await all.apply(plansOf('/nowhere/passt'), []);
    await becomes(async () => all.trouble !== null);
    expect(all.trouble).toContain('/nowhere/passt');
  });
});
