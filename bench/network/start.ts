import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { poll } from '../../src/core/deadline.ts';
import { noShape } from '../../src/model/link-shape.ts';
import { usualNetwork } from '../../src/model/network-defaults.ts';
import { SwitchClient } from '../../src/network/switch-client.ts';
import { findEngine } from '../../src/qemu/capabilities/find-engine.ts';
import { natPlan } from '../../src/qemu/network/nat-plan.ts';
import { RunningNetwork, type NetworkSurroundings } from '../../src/vm/network/running-network.ts';
import { FakeAdapter } from '../../test/support/fake-adapter.ts';
import { builtIn } from '../../test/support/home.ts';
import { services } from '../../test/support/switch-world.ts';
import { wallOf } from '../support/kame.ts';
import { median } from '../support/result.ts';
import { socketDirectory } from '../support/tiny-machine.ts';

const mac = '00:0c:29:00:00:01';
const address = '192.168.77.130';

/** What networks.json and the host would say, known in advance as in a daemon that runs. */
function surroundings(binary: string, directory: string): NetworkSurroundings {
  const { gateway, nameServer, ipv6Prefix } = services;
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const subnet = `${services.subnet}/24`;
  const addresses = { gateway, nameServer, ipv6Prefix };
  const plan = natPlan({
    ...addresses,
    ...{ binary, sandbox: os === 'linux', os, subnet, outbound: true },
    ...{ bootDirectory: null, directory },
  });
  const network = usualNetwork('vmnet8', 'nat', subnet);
  return {
    book: {
      entryOf: async () =>
        await Promise.resolve({ network, services, addresses: { [mac]: address }, others: [] }),
      natPlanOf: async () => await Promise.resolve(plan),
      labels: async () => await Promise.resolve(new Map([['/one.vmx', 'one']])),
      ownerOf: async () => await Promise.resolve(null),
    },
    switchProgram: { command: process.execPath, args: [join(builtIn, 'network-switch.mjs')] },
    log: () => undefined,
    ready: Promise.resolve(),
  };
}

/** Starts in one run: the first has to load and compile what a daemon has ready. */
const starts = 5;

/** Starts a network several times. @returns the median, in milliseconds */
export async function startOfNetwork(): Promise<number> {
  const times: number[] = [];
  while (times.length < starts) times.push(await oneStart());
  return median(times);
}

/**
 * Starts a network for an adapter that listens. @returns milliseconds until the adapter is plugged, the NAT is there and the
 * switch is connected to it
 */
async function oneStart(): Promise<number> {
  await using place = await socketDirectory();
  const directory = join(place.path, 'net');
  const names = {
    directory,
    control: join(directory, 'switch'),
    leases: join(directory, 'leases.json'),
    ...{ switchLog: join(directory, 'switch.log'), natLog: join(directory, 'nat.log') },
  };
  const search = { env: process.env, os: process.platform === 'darwin' ? 'darwin' : 'linux' } as const;
  const binary = await findEngine(process.arch === 'arm64' ? 'aarch64' : 'x86_64', search);
  await using adapter = await new FakeAdapter(join(place.path, 'net0')).listen();
  const network = new RunningNetwork({ name: 'vmnet8' }, names, surroundings(binary, directory));
  const run = join(place.path, 'aaaaaaaa');
  const started = performance.now();
  const plugged = { index: 0, mac, network: { name: 'vmnet8' }, socket: adapter.path, shape: noShape };
  network.plug({ vmx: '/one.vmx', id: 'one', name: 'one', run, adapters: [plugged] });
  try {
    await network.settled();
    if (network.trouble !== null) throw new Error(network.trouble);
    await adapter.connected();
    using client = await SwitchClient.open(names.control, 'bench', { deadlineMs: 5000 });
    const isUp = async () => (await client.status({ deadlineMs: 5000 })).uplinkConnected || undefined;
    await poll(isUp, { deadlineMs: 5000, maxStepMs: 2 });
    return performance.now() - started;
  } finally {
    network.unplug(run);
    await network.settled();
    await network.detach();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What the start of node alone takes, which is most of the start of a switch, without the certificates of a host as there. @returns milliseconds */
export function emptyNode(): number {
  const times = Array.from({ length: starts }, () => wallOf(['--eval', '0'], { NODE_EXTRA_CA_CERTS: '' }));
  return median(times);
}
