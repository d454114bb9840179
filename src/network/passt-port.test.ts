import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';
import type { SwitchConfig } from './switch-config.ts';

const { macA, macB, gatewayMac, portOf } = world;
const { syn, ack } = frames.tcpFlags;
const passt = 'passt of a';
const outside = '198.51.100.7';
const flow = { source: '192.168.77.10', destination: outside, sourcePort: 1000, destinationPort: 443 };
const out = { from: macA, to: gatewayMac };
const back = { from: gatewayMac, to: macA };
const answer = {
  source: outside,
  destination: flow.source,
  sourcePort: flow.destinationPort,
  destinationPort: flow.sourcePort,
};

function config(fields: Partial<SwitchConfig> = {}): SwitchConfig {
  const ports = [portOf('a', macA, { passt: '/tmp/none/passt' }), portOf('b', macB)];
  return world.natConfig({ ports, ...fields });
}

const segment = (flags: number, fields: Partial<typeof flow> = {}, route: frames.Route = out) =>
  frames.tcp(route, { ...flow, flags, ...fields });
const received = (fields: Partial<typeof answer> = {}, route: frames.Route = back) =>
  frames.tcp(route, { ...answer, flags: syn | ack, ...fields });

describe('a guest with a passt', () => {
  it('opens its connections to the outside through it, and has the answers', () => {
    using network = new world.SwitchWorld(config());
    expect(network.whereTo('a', segment(syn))).toEqual([passt]);
    expect(network.whereTo(passt, received())).toEqual(['a']);
    expect(network.whereTo('a', segment(ack))).toEqual([passt]);
    // Those of others go where they went before.
    const other = { from: macB, to: gatewayMac };
    expect(network.whereTo('b', segment(syn, { source: '192.168.77.11' }, other))).toEqual(['uplink']);
  });

  it('is waited for by it, since it sends to nobody else', () => {
    using network = new world.SwitchWorld(config());
    network.send('a', segment(syn));
    network.link('a').isBehind = true;
    network.send(passt, received());
    network.now += 900;
    network.timetable.runDue();
    expect(network.link(passt).isPaused).toBe(true);
    network.link('a').caughtUp();
    expect(network.link(passt).isPaused).toBe(false);
  });

  it('sends everything else to the NAT process', () => {
    using network = new world.SwitchWorld(config({ uplink: { ...world.uplink, hostLoopback: true } }));
    network.now += 10_000;
    for (const [what, frame] of Object.entries({
      'of another connection': segment(ack),
      'an answer to a forward from elsewhere': segment(syn | ack),
      'from an address that it chose itself': segment(syn, { source: '192.168.77.99' }),
      'to the gateway': segment(syn, { destination: '192.168.77.2' }),
      'name resolution over TCP': segment(syn, { destination: '192.168.77.3', destinationPort: 53 }),
      UDP: frames.udp(out, flow),
      ICMP: frames.echo(out, flow.source, outside),
      IPv6: frames.tcp6(
        { from: macA, to: world.routerMac6 },
        { ...flow, source: 'fd12:3456:789a:8::a', destination: '2001:db8::7', flags: syn },
      ),
    }))
      expect({ what, to: network.whereTo('a', frame) }).toEqual({ what, to: ['uplink'] });
    const inner = { from: '02:00:00:00:00:77', to: gatewayMac };
    expect(network.whereTo('a', segment(syn, { source: '192.168.77.98' }, inner))).toEqual(['uplink']);
  });

  it('reaches nothing by it that it does not reach otherwise', () => {
    using network = new world.SwitchWorld(config());
    const targets = ['127.0.0.1', '0.0.0.0', '169.254.1.1', '192.168.77.2', '192.168.77.11', '192.168.78.2'];
    for (const destination of targets) {
      expect(network.whereTo('a', segment(syn, { destination }))).toEqual([]);
      expect(network.whereTo('a', segment(ack, { destination }))).not.toContain(passt);
    }
    network.configure(config({ uplink: { ...world.uplink, outbound: false } }));
    expect(network.whereTo('a', segment(syn))).toEqual([]);
  });

  it('hears nothing from it but TCP from outside for its own address', () => {
    using network = new world.SwitchWorld(config());
    for (const [what, frame] of Object.entries({
      'for another machine': received({}, { from: gatewayMac, to: macB }),
      'for all': received({}, { from: gatewayMac, to: world.everyone }),
      'for another address': received({ destination: '192.168.77.11' }),
      'from an address of the network': received({ source: '192.168.77.2' }),
      UDP: frames.udp(back, answer),
      ICMP: frames.echo(back, outside, flow.source),
      ARP: frames.arp(back, { operation: 1, sender: '192.168.77.2', target: flow.source }),
      malformed: frames.tcp(back, { ...answer, flags: ack }).subarray(0, 20),
    }))
      expect({ what, to: network.whereTo(passt, frame) }).toEqual({ what, to: [] });
  });

  it('goes on with what an earlier switch led to it, and with what slirp has', () => {
    using network = new world.SwitchWorld(config());
    network.send('uplink', received({ sourcePort: 80 }));
    expect(network.whereTo('a', segment(ack, { destinationPort: 80 }))).toEqual(['uplink']);
    expect(network.whereTo('a', segment(syn | ack, { destinationPort: 81 }))).toEqual(['uplink']);
    for (const destinationPort of [443, 444])
      expect(network.whereTo('a', segment(ack, { destinationPort }))).toEqual([passt]);
    network.send(passt, frames.tcp(back, { ...answer, flags: ack }));
    network.now += 10_000;
    expect(network.whereTo('a', segment(ack))).toEqual([passt]);
    // It did not answer for this one: slirp resets it.
    expect(network.whereTo('a', segment(ack, { destinationPort: 444 }))).toEqual(['uplink']);
  });

  it('goes out by the NAT at once when its passt ends, which is told of the old connections too', () => {
    using network = new world.SwitchWorld(config());
    network.send('a', segment(syn));
    network.send(passt, received());
    const port = network.switch.ports.get('a');
    const { outlet = null } = port?.passt ?? {};
    expect(port?.status().passtConnected).toBe(true);
    port?.passt.plug(null);
    expect(port?.status().passtConnected).toBe(false);
    expect(network.whereTo('a', segment(ack))).toEqual(['uplink']);
    expect(network.whereTo('a', segment(syn, { sourcePort: 1001 }))).toEqual(['uplink']);
    // The next passt knows nothing of them.
    port?.passt.plug(outlet);
    expect(network.whereTo('a', segment(ack))).toEqual(['uplink']);
    expect(network.whereTo('a', segment(ack, { sourcePort: 1001 }))).toEqual(['uplink']);
    expect(network.whereTo('a', segment(syn, { sourcePort: 1002 }))).toEqual([passt]);
  });

  it('has its link shaped on this way too', () => {
    const slow = { bitsPerSecond: null, lossPerMille: 1000, latencyMs: 0 };
    const none = { bitsPerSecond: null, lossPerMille: 0, latencyMs: 0 };
    const lossy = (shape: object) =>
      config({ ports: [{ ...portOf('a', macA, { passt: '/tmp/none/passt' }), ...shape }] });
    using sends = new world.SwitchWorld(lossy({ shape: { transmit: slow, receive: none } }));
    expect(sends.whereTo('a', segment(syn))).toEqual([]);
    using receives = new world.SwitchWorld(lossy({ shape: { transmit: none, receive: slow } }));
    expect(receives.whereTo('a', segment(syn))).toEqual([passt]);
    expect(receives.whereTo(passt, received())).toEqual([]);
  });
});
