import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeSwitch } from '../../../test/support/fake-switch.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { testHost } from '../../../test/support/test-host.ts';
import { noShape } from '../../model/link-shape.ts';
import type { SwitchConfig } from '../../network/switch-config.ts';
import { networkRunNames, runNames } from '../../store/names.ts';
import { writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import { identify } from '../../sys/process-identity.ts';
import { endCompanions } from '../companion/companion.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import type { NetworkBook } from './network-book.ts';
import { NetworkSupervisor } from './supervisor.ts';

const temporary = useTemporaryDirectory();
let host: Host;
let supervisor: NetworkSupervisor;
const lan = { segment: 'lan' };

const book: NetworkBook = {
  entryOf: async () => await Promise.resolve({ network: null, services: null, addresses: {}, others: [] }),
  natPlanOf: async () => await Promise.resolve(null),
  labels: async () => await Promise.resolve(new Map()),
  ownerOf: async () => await Promise.resolve(null),
};

const names = () => networkRunNames(host.names, lan);

/** A machine that runs, as the supervisor looks at it; its engine is this process. */
async function running(name: string, last: string): Promise<Running> {
  const run = runNames(host.names, `/${name}.vmx`);
  mkdirSync(run.directory, { recursive: true });
  const engine = (await identify(process.pid)) ?? null;
  const networks = [
    {
      index: 0,
      mac: `00:0c:29:00:00:${last}`,
      network: lan,
      socket: `${run.directory}/net0`,
      shape: noShape,
    },
  ];
  const record = {
    vmx: `/${name}.vmx`,
    engine,
    accelerator: 'tcg',
    startedAt: '2026-01-01T00:00:00Z',
    fingerprint: {},
    timings: { qmpMs: 1 },
    setup: [],
    networks,
  } as unknown as RunRecord;
  await writeRunRecord(run, record);
  return { names: { vmx: record.vmx }, id: name, name, run, record } as unknown as Running;
}

async function portsOfSwitch(): Promise<string[]> {
  const config = JSON.parse(await readFile(`${names().control}.config`, 'utf8')) as SwitchConfig;
  return config.ports.map(({ mac }) => mac.slice(-2)).sort((a, b) => (a < b ? -1 : 1));
}

beforeEach(() => {
  host = testHost({ home: temporary() });
  const switchProgram = { command: process.execPath, args: ['-e', fakeSwitch] };
  supervisor = new NetworkSupervisor(host, { book, switchProgram, log: host.log });
});

afterEach(async () => {
  await supervisor.detach();
  await endCompanions(names().directory);
});

describe('the networks after a start of the daemon', () => {
  it('are not touched before all machines are known, nor waited for', async () => {
    await supervisor.machineChanged(await running('one', '01'));
    expect(existsSync(names().directory)).toBe(false);
    const two = await running('two', '02');
    await supervisor.machineChanged(two);
    await supervisor.adopted();
    expect(
      await supervisor.connected(two, { deadlineMs: 10_000, signal: new AbortController().signal }),
    ).toEqual([]);
    expect(await portsOfSwitch()).toEqual(['01', '02']);
  });

  it('keep the connections of engines that were not adopted', async () => {
    await running('silent', '03');
    const one = await running('one', '01');
    await supervisor.machineChanged(one);
    await supervisor.adopted();
    await supervisor.connected(one, { deadlineMs: 10_000, signal: new AbortController().signal });
    expect(await portsOfSwitch()).toEqual(['01', '03']);
  });

  it('end if no engine uses them, and their leases stay', async () => {
    mkdirSync(names().directory, { recursive: true });
    mkdirSync(host.names.leases);
    writeFileSync(names().leases, '[]');
    await supervisor.adopted();
    expect([existsSync(names().directory), existsSync(names().leases)]).toEqual([false, true]);
  });
});

it('a machine that moves to another network leaves the first', async () => {
  await supervisor.adopted();
  const one = await running('one', '01');
  await supervisor.machineChanged(one);
  expect(await portsOfSwitch()).toEqual(['01']);
  await supervisor.machineChanged({ ...one, record: { ...one.record, networks: [] } });
  expect(existsSync(names().directory)).toBe(false);
});

it('a machine whose engine has ended is disconnected', async () => {
  await supervisor.adopted();
  const [one, two] = [await running('one', '01'), await running('two', '02')];
  await supervisor.machineChanged(one);
  await supervisor.machineChanged(two);
  supervisor.machineEnded(one);
  await supervisor.connected(two, { deadlineMs: 10_000, signal: new AbortController().signal });
  expect(await portsOfSwitch()).toEqual(['02']);
});
