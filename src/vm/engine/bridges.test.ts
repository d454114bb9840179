import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sampleNetwork } from '../../../test/support/networks.ts';
import { refused } from '../../../test/support/refused.ts';
import { testHost } from '../../../test/support/test-host.ts';
import { newNic } from '../../model/defaults.ts';
import type { Nic } from '../../model/machine.ts';
import { interfaceKind, tapOwner } from '../../sys/host-interface.ts';
import { bridgesOf, mayAllow } from './bridges.ts';

const nic = newNic({ index: 0, model: 'virtio-net', mac: '00:0c:29:00:00:01', macType: 'generated' });
const binary = '/usr/bin/qemu-system-aarch64';

async function inHome<T>(work: (home: string) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'kb-'));
  try {
    return await work(home);
  } finally {
    rmSync(home, { recursive: true });
  }
}

async function bridgesWith(network: Parameters<typeof sampleNetwork>[0], change: Partial<Nic>) {
  return await inHome(async (home) => {
    const host = testHost({ home });
    await host.networkStore.update((networks) => ({
      networks: [...networks, sampleNetwork(network)],
      result: undefined,
    }));
    return await bridgesOf(host, { nics: [{ ...nic, ...change }] }, binary);
  });
}

describe('the interfaces of bridged networks', () => {
  const bridged = { name: 'lan', type: 'bridged', subnet: null, dhcp: false } as const;
  const custom = { connection: 'custom', vnet: 'LAN' } as const;

  it('are not asked for by adapters on nat, hostonly and LAN segments', async () => {
    await inHome(async (home) => {
      const nics = (['nat', 'hostonly', 'pvn'] as const).map((connection) => ({ ...nic, connection }));
      expect(await bridgesOf(testHost({ home }), { nics }, binary)).toEqual(new Map());
    });
  });

  it.runIf(process.platform === 'linux')(
    'that do not exist, or are neither bridge nor tap, are refused',
    async () => {
      const missing = await refused(bridgesWith({ ...bridged, interface: 'nosuch0' }, custom));
      expect(missing.code).toBe('HOST_PROBLEM');
      expect(missing.message).toBe('The interface nosuch0 of the network lan does not exist.');
      const card = await refused(bridgesWith({ ...bridged, interface: 'lo' }, custom));
      expect(card.message).toContain('lo of the network lan is neither a bridge nor a tap device');
      expect(card.next).toContain('sudo ip link set lo master br0');
    },
  );

  it('of a network that does not exist are refused with what was probably meant', async () => {
    const error = await refused(bridgesWith({ name: 'lab' }, { connection: 'custom', vnet: 'labs' }));
    expect(error.code).toBe('NO_SUCH_NETWORK');
    expect(error.message).toBe('There is no network labs. Did you mean lab?');
  });

  it('are none of a switched network, nor of a vmnet0 that was not created', async () => {
    expect(await bridgesWith({ name: 'lan' }, custom)).toEqual(new Map());
    expect(await bridgesWith({ name: 'lan' }, { connection: 'bridged' })).toEqual(new Map());
  });
});

describe('the list of bridges of QEMU’s helper', () => {
  it.each([
    ['allow br0', true],
    ['# all\n allow  all # of them', true],
    ['allow br1', false],
    ['allow all\ndeny br0', false],
    ['include /etc/qemu/more.conf', true],
    ['', false],
    [undefined, false],
  ])('%j allows br0: %s', (text, allows) => {
    expect(mayAllow(text, 'br0')).toBe(allows);
  });
});

describe('an interface of the host', () => {
  it('is a bridge, a tap device or another, and a name that is a path is none', async () => {
    await inHome(async (root) => {
      const make = (...names: string[]) => mkdirSync(join(root, ...names), { recursive: true });
      make('br0', 'bridge');
      for (const name of ['tap0', 'tun0', 'eth0']) make(name);
      writeFileSync(join(root, 'tap0', 'tun_flags'), '0x1002\n');
      writeFileSync(join(root, 'tap0', 'owner'), '1000\n');
      writeFileSync(join(root, 'tun0', 'tun_flags'), '0x1001\n');
      writeFileSync(join(root, 'tun0', 'owner'), '-1\n');
      const names = ['br0', 'tap0', 'tun0', 'eth0', 'wlan0', '../br0', '.'];
      const kinds = await Promise.all(names.map((name) => interfaceKind(name, root)));
      expect(kinds).toEqual(['bridge', 'tap', 'other', 'other', 'missing', 'missing', 'missing']);
      expect([await tapOwner('tap0', root), await tapOwner('tun0', root)]).toEqual([1000, undefined]);
    });
  });
});
