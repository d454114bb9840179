import { describe, expect, it } from 'vitest';
import { askDhcp, lease } from '../../test/support/dhcp-client.ts';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';

const { macA, macC, everyone } = world;
const server = '192.168.77.254';
const [discover, offer, request, decline, ack, nak, release, inform] = [1, 2, 3, 4, 5, 6, 7, 8];
const poolAddress = /^192\.168\.77\.(12[89]|1[3-9]\d|2[0-4]\d|25[0-3])$/;

function hex(
  answer: { readonly options: ReadonlyMap<number, Buffer> } | undefined,
  code: number,
): string | undefined {
  return answer?.options.get(code)?.toString('hex');
}

describe('a guest that asks for an address', () => {
  it('gets the configured one, with the options of the network', () => {
    using network = new world.SwitchWorld();
    expect(askDhcp(network, 'a', { type: discover, client: macA })).toMatchObject({
      type: offer,
      address: '192.168.77.10',
      toMac: macA,
      toAddress: '192.168.77.10',
      nextServer: '0.0.0.0',
      file: '',
    });
    const answer = askDhcp(network, 'a', { type: request, client: macA, requested: '192.168.77.10', server });
    expect(answer).toMatchObject({ type: ack, address: '192.168.77.10' });
    expect([1, 3, 6, 26, 28, 51, 54, 119].map((code) => hex(answer, code))).toEqual([
      'ffffff00',
      'c0a84d02',
      'c0a84d03',
      '05dc',
      'c0a84dff',
      '00000e10',
      'c0a84dfe',
      '046b616d6500',
    ]);
    expect(answer?.options.get(15)?.toString()).toBe('kame');
    expect(network.switch.status().leases).toEqual([
      {
        mac: macA,
        address: '192.168.77.10',
        hostname: null,
        port: 'a',
        startedAt: network.wallClock,
        expiresAt: network.wallClock + 3_600_000,
      },
    ]);
    // Nobody else sees any of it.
    expect(['b', 'c', 'uplink'].flatMap((id) => network.take(id))).toEqual([]);
  });

  it('gets a free one from the pool if its MAC is unknown, always the same one, even after a restart of the switch', () => {
    using network = new world.SwitchWorld();
    const address = lease(network, 'c', macC);
    expect(address).toMatch(poolAddress);
    expect(lease(network, 'c', macC)).toBe(address);
    using next = new world.SwitchWorld();
    expect(lease(next, 'c', macC)).toBe(address);
  });

  it('gets the answer by broadcast if it cannot receive unicast yet', () => {
    using network = new world.SwitchWorld();
    expect(askDhcp(network, 'a', { type: discover, client: macA, broadcast: true })).toMatchObject({
      toMac: everyone,
      toAddress: '255.255.255.255',
    });
  });

  it('keeps its address in each state of a client', () => {
    using network = new world.SwitchWorld();
    const address = lease(network, 'c', macC) ?? '';
    // INIT-REBOOT, RENEWING and REBINDING.
    expect(askDhcp(network, 'c', { type: request, client: macC, requested: address })).toMatchObject({
      type: ack,
      address,
    });
    expect(askDhcp(network, 'c', { type: request, client: macC, clientAddress: address })).toMatchObject({
      type: ack,
      address,
      toAddress: address,
    });
    using next = new world.SwitchWorld();
    expect(
      askDhcp(next, 'c', { type: request, client: macC, clientAddress: '192.168.77.200' }),
    ).toMatchObject({ type: ack, address: '192.168.77.200' });
    expect(next.switch.status().leases).toMatchObject([{ mac: macC, address: '192.168.77.200' }]);
  });

  it.each([
    ['of another network', macC, '10.0.2.15'],
    ['of the gateway', macC, '192.168.77.2'],
    ['of the DHCP server', macC, '192.168.77.254'],
    ['of another machine', macC, '192.168.77.11'],
    ['outside of the pool', macC, '192.168.77.99'],
    ['that is not the one configured for it', macA, '192.168.77.130'],
  ])('is told no if it wants an address %s', (_what, client, requested) => {
    using network = new world.SwitchWorld();
    const port = client === macA ? 'a' : 'c';
    expect(askDhcp(network, port, { type: request, client, requested })).toMatchObject({
      type: nak,
      address: '0.0.0.0',
      toMac: everyone,
    });
    expect(network.switch.status().leases).toEqual([]);
  });

  it('does not get the address of another guest until that releases it', () => {
    using network = new world.SwitchWorld(world.natConfig({ hosts: [] }));
    const address = lease(network, 'a', macA) ?? '';
    expect(askDhcp(network, 'c', { type: request, client: macC, requested: address })).toMatchObject({
      type: nak,
    });
    expect(askDhcp(network, 'a', { type: release, client: macA, clientAddress: address })).toBeUndefined();
    expect(askDhcp(network, 'c', { type: request, client: macC, requested: address })).toMatchObject({
      type: ack,
      address,
    });
  });

  it('gets an address whose lease has expired', () => {
    using network = new world.SwitchWorld(world.natConfig({ hosts: [] }));
    const address = lease(network, 'a', macA) ?? '';
    network.wallClock += 3_600_001;
    expect(network.switch.status().leases).toEqual([]);
    expect(askDhcp(network, 'c', { type: request, client: macC, requested: address })).toMatchObject({
      type: ack,
    });
  });

  it('does not get an address again that it found to be in use', () => {
    using network = new world.SwitchWorld();
    const address = lease(network, 'c', macC) ?? '';
    askDhcp(network, 'c', { type: decline, client: macC, requested: address, server });
    const other = lease(network, 'c', macC);
    expect(other).toMatch(poolAddress);
    expect(other).not.toBe(address);
    network.wallClock += 600_001;
    askDhcp(network, 'c', { type: release, client: macC, clientAddress: other ?? '' });
    expect(lease(network, 'c', macC)).toBe(address);
  });

  it('is ignored if it chose another server, and the offered address is free again', () => {
    using network = new world.SwitchWorld();
    const address = askDhcp(network, 'c', { type: discover, client: macC })?.address ?? '';
    expect(
      askDhcp(network, 'c', { type: request, client: macC, requested: address, server: '192.168.77.9' }),
    ).toBeUndefined();
    expect(
      askDhcp(network, 'b', { type: request, client: '02:00:00:00:00:01', requested: address }),
    ).toMatchObject({ type: ack });
  });

  it('that already has an address gets the other options', () => {
    using network = new world.SwitchWorld();
    const answer = askDhcp(network, 'c', { type: inform, client: macC, clientAddress: '192.168.77.99' });
    expect(answer).toMatchObject({ type: ack, address: '0.0.0.0', toAddress: '192.168.77.99' });
    expect([hex(answer, 1), hex(answer, 51)]).toEqual(['ffffff00', undefined]);
  });

  it('is shown by the name that it sends, without control characters', () => {
    using network = new world.SwitchWorld();
    askDhcp(network, 'a', {
      type: request,
      client: macA,
      requested: '192.168.77.10',
      hostName: 'we\u001b[31mb\u0007\u202e.x',
    });
    expect(network.switch.status().leases).toMatchObject([{ hostname: 'we31mb.x' }]);
  });
});

describe('DHCP', () => {
  it('gives twenty guests that ask at the same time an address each', () => {
    const ports = Array.from({ length: 20 }, (_none, index) =>
      world.portOf(`p${index}`, `52:54:00:00:01:${(16 + index).toString(16)}`),
    );
    using network = new world.SwitchWorld(world.natConfig({ hosts: [], ports }));
    const offers = ports.map(
      ({ id, mac }) => askDhcp(network, id, { type: discover, client: mac })?.address ?? '',
    );
    const addresses = ports.map(
      ({ id, mac }, index) =>
        askDhcp(network, id, { type: request, client: mac, requested: offers[index] ?? '', server })?.address,
    );
    expect(addresses).toEqual(offers);
    expect(new Set(addresses).size).toBe(20);
    for (const address of addresses) expect(address).toMatch(poolAddress);
  });

  it('gives one port eight addresses of the pool, so that a guest cannot take them all', () => {
    using network = new world.SwitchWorld();
    const macOf = (index: number) => `02:00:00:00:01:${(16 + index).toString(16)}`;
    const given = Array.from({ length: 40 }, (_none, index) => lease(network, 'c', macOf(index)));
    expect(given.filter((address) => address !== undefined)).toHaveLength(8);
    expect(network.dropped('c')).toEqual({ exhaustion: 32 });
    // Declining does not make room either.
    given.slice(0, 8).forEach((requested, index) =>
      askDhcp(network, 'c', {
        type: decline,
        client: macOf(index),
        server,
        ...(requested === undefined ? {} : { requested }),
      }),
    );
    expect(lease(network, 'c', macOf(50))).toBeUndefined();
    expect(lease(network, 'b', '02:00:00:00:02:01')).toMatch(poolAddress);
  });

  it('does not give the address of another adapter to a guest that uses its MAC', () => {
    using network = new world.SwitchWorld();
    expect(askDhcp(network, 'c', { type: discover, client: macA }, macC)).toBeUndefined();
    expect(
      askDhcp(network, 'c', { type: release, client: macA, clientAddress: '192.168.77.10' }, macC),
    ).toBeUndefined();
    expect(network.dropped('c')).toEqual({ 'spoofed-mac': 2 });
  });

  it('names no router and its own name server where there is no way out', () => {
    for (const uplink of [null, { ...world.uplink, outbound: false }]) {
      using network = new world.SwitchWorld(world.natConfig({ uplink }));
      const answer = askDhcp(network, 'a', { type: discover, client: macA });
      expect([hex(answer, 3), hex(answer, 6)]).toEqual([undefined, 'c0a84dfe']);
    }
  });

  it('says where to boot from', () => {
    using network = new world.SwitchWorld(
      world.natConfig({ services: { ...world.services, bootFile: 'pxe/boot.efi' } }),
    );
    const answer = askDhcp(network, 'a', { type: discover, client: macA });
    expect(answer).toMatchObject({ nextServer: '192.168.77.2', file: 'pxe/boot.efi' });
    expect([66, 67].map((code) => answer?.options.get(code)?.toString())).toEqual([
      '192.168.77.2',
      'pxe/boot.efi',
    ]);
  });

  it('is left to the guests where the network has none', () => {
    using network = new world.SwitchWorld(world.natConfig({ services: { ...world.services, dhcp: false } }));
    expect(network.whereTo('a', frames.dhcp({ type: discover, client: macA }))).toEqual(['b', 'c']);
  });

  it('that is malformed is dropped', () => {
    using network = new world.SwitchWorld();
    const flow = { source: '0.0.0.0', destination: '255.255.255.255', sourcePort: 68, destinationPort: 67 };
    network.send('a', frames.udp({ from: macA, to: everyone }, flow, Buffer.from('DHCP?')));
    expect(network.dropped('a')).toEqual({ malformed: 1 });
  });
});
