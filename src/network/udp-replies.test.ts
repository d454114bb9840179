import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';

const { macA, gatewayMac } = world;
const toGateway = { from: macA, to: gatewayMac };
const open = world.natConfig();
const closed = world.natConfig({ uplink: { ...world.uplink, outbound: false } });

describe('UDP through a forward', () => {
  const question = {
    source: '192.168.77.2',
    destination: '192.168.77.10',
    sourcePort: 40_000,
    destinationPort: 5353,
  };
  const reply = {
    source: '192.168.77.10',
    destination: '192.168.77.2',
    sourcePort: 5353,
    destinationPort: 40_000,
  };

  it.each([
    ['NAT', open],
    ['host-only', closed],
  ])('is answered on a %s network, and only to who asked', (_what, config) => {
    using network = new world.SwitchWorld(config);
    expect(network.whereTo('a', frames.udp(toGateway, reply))).toEqual([]);
    network.send('uplink', frames.udp({ from: gatewayMac, to: macA }, question));
    expect(network.take('a')).toHaveLength(1);
    expect(network.whereTo('a', frames.udp(toGateway, reply))).toEqual(['uplink']);
    expect(network.whereTo('a', frames.udp(toGateway, { ...reply, destinationPort: 40_001 }))).toEqual([]);
    expect(network.whereTo('a', frames.udp(toGateway, { ...reply, sourcePort: 5354 }))).toEqual([]);
    network.now += 240_001;
    expect(network.whereTo('a', frames.udp(toGateway, reply))).toEqual([]);
  });
});
