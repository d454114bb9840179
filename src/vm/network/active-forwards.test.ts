import { beforeEach, describe, expect, it } from 'vitest';
import { noShape } from '../../model/link-shape.ts';
import type { Forward } from '../../model/network.ts';
import { activeForwards, Forwards, type ActiveForward, type NatListener } from './active-forwards.ts';
import type { Plugged } from './plugged.ts';

const web: Forward = {
  transport: 'tcp',
  bind: '127.0.0.1',
  hostPort: 8080,
  target: { machine: 'uuid-web' },
  guestPort: 80,
};
const toAddress: Forward = { ...web, transport: 'udp', hostPort: 5353, target: { address: '192.168.77.9' } };

const adapter = {
  index: 0,
  mac: '00:0c:29:00:00:01',
  network: { name: 'vmnet8' },
  socket: '/run/a/net0',
  shape: noShape,
};
const plugged: Plugged[] = [
  { machine: { vmx: '/web.vmx', id: 'uuid-web', name: 'web', run: '/run/a', adapters: [adapter] }, adapter },
];
const addresses = { [adapter.mac]: '192.168.77.130' };

describe('the forwards that can listen', () => {
  it('are those to an address, and those to a machine that runs in the network', () => {
    expect(activeForwards([web, toAddress], plugged, addresses)).toEqual([
      { forward: web, address: '192.168.77.130' },
      { forward: toAddress, address: '192.168.77.9' },
    ]);
    expect(activeForwards([web, toAddress], [], addresses)).toEqual([
      { forward: toAddress, address: '192.168.77.9' },
    ]);
  });
});

describe('the forwards of a NAT process', () => {
  /** What the process was told, and the ports that others have. */
  let told: string[] = [];
  let taken = new Set<number>();
  const nat: NatListener = {
    add: async ({ transport, hostPort, address, guestPort }) => {
      told.push(`add ${transport} ${hostPort} to ${address}:${guestPort}`);
      return await Promise.resolve(!taken.has(hostPort));
    },
    remove: async ({ transport, hostPort }) => {
      told.push(`remove ${transport} ${hostPort}`);
      await Promise.resolve();
    },
  };
  const active = (forward: Forward, address = '192.168.77.130'): ActiveForward => ({ forward, address });
  const owner = async () => await Promise.resolve('nginx (process 12)');

  beforeEach(() => {
    told = [];
    taken = new Set();
  });

  it('are added to a new process at once, and once only', async () => {
    const forwards = new Forwards(nat, owner);
    await forwards.apply([active(web)], true);
    await forwards.apply([active(web)], false);
    expect(told).toEqual(['add tcp 8080 to 192.168.77.130:80']);
    expect(forwards.statusOf(web)).toEqual({ forward: web, state: 'listening', reason: null });
  });

  it('are replaced in a process that an earlier daemon started, since it may have them', async () => {
    await new Forwards(nat, owner).apply([active(web)], false);
    expect(told).toEqual(['remove tcp 8080', 'add tcp 8080 to 192.168.77.130:80']);
  });

  it('follow the machine to another address, and are removed when they are no longer wanted', async () => {
    const forwards = new Forwards(nat, owner);
    await forwards.apply([active(web)], true);
    await forwards.apply([active(web, '192.168.77.131')], false);
    await forwards.apply([], false);
    expect(told.slice(1)).toEqual([
      'remove tcp 8080',
      'add tcp 8080 to 192.168.77.131:80',
      'remove tcp 8080',
    ]);
    expect(forwards.statusOf(web).state).toBe('waiting');
  });

  it('name the program that has their port, and are tried again', async () => {
    taken.add(8080);
    const forwards = new Forwards(nat, owner);
    await forwards.apply([active(web)], true);
    expect(forwards.statusOf(web)).toEqual({
      forward: web,
      state: 'failed',
      reason: 'nginx (process 12) has tcp port 8080 of 127.0.0.1.',
    });
    taken.clear();
    await forwards.apply([active(web)], false);
    expect(forwards.statusOf(web).state).toBe('listening');
  });

  it('name the port when its owner is unknown', async () => {
    taken.add(8080);
    const forwards = new Forwards(nat, async () => await Promise.reject(new Error('no /proc')));
    await forwards.apply([active(web)], true);
    expect(forwards.statusOf(web).reason).toBe('The NAT cannot listen on tcp port 8080 of 127.0.0.1.');
  });
});
