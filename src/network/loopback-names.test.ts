import { expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';

const { macA, gatewayMac, nameServerMac, nameServerMac6, routerMac6 } = world;
const [own4, own6] = ['192.168.77.10', 'fd12:3456:789a:8::a'];
const name = 'harmless.example';
const asks = { sourcePort: 4000, destinationPort: 53 };
const answers = { sourcePort: 53, destinationPort: 4000 };

/** The answer of a name server: the question again, and an address. */
function answerOf(type: number, address: Buffer): Buffer {
  const answer = Buffer.from(frames.dnsQuestion({ name, type }));
  answer.writeUInt16BE(0x8180, 2);
  answer.writeUInt16BE(1, 6);
  // The same name, of that type, in IN, for a minute.
  const record = Buffer.from('c00c00000001000000000000', 'hex');
  record.writeUInt16BE(type, 2);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(address.length, 10);
  return Buffer.concat([answer, record, address]);
}

/** A guest asks for a name, and gets an answer from the name server of the host. */
function resolve(network: world.SwitchWorld, address: string): void {
  const isIpv6 = address.includes(':');
  const question = frames.dnsQuestion({ name, type: isIpv6 ? 28 : 1 });
  const toServer = isIpv6
    ? frames.udp6(
        { from: macA, to: nameServerMac6 },
        { source: own6, destination: 'fd12:3456:789a:8::3', ...asks },
        question,
      )
    : frames.udp(
        { from: macA, to: nameServerMac },
        { source: own4, destination: '192.168.77.3', ...asks },
        question,
      );
  expect(network.whereTo('a', toServer)).toEqual(['uplink']);
  const answer = isIpv6 ? answerOf(28, frames.ip6(address)) : answerOf(1, frames.ip(address));
  const toGuest = isIpv6
    ? frames.udp6(
        { from: nameServerMac6, to: macA },
        { source: 'fd12:3456:789a:8::3', destination: own6, ...answers },
        answer,
      )
    : frames.udp(
        { from: nameServerMac, to: macA },
        { source: '192.168.77.3', destination: own4, ...answers },
        answer,
      );
  expect(network.whereTo('uplink', toGuest)).toEqual(['a']);
}

/** What a guest can send to an address, by each station that might pass it on. */
function attempts(address: string): Buffer[] {
  const flow = { destination: address, sourcePort: 4001, destinationPort: 8080 };
  const { syn } = frames.tcpFlags;
  return [gatewayMac, nameServerMac, routerMac6, nameServerMac6].flatMap((to) => {
    const route = { from: macA, to };
    return address.includes(':')
      ? [
          frames.tcp6(route, { source: own6, ...flow, flags: syn }),
          frames.udp6(route, { source: own6, ...flow }),
        ]
      : [
          frames.tcp(route, { source: own4, ...flow, flags: syn }),
          frames.udp(route, { source: own4, ...flow }),
        ];
  });
}

it.each([
  ...['127.0.0.1', '127.1.2.3', '0.0.0.0', '192.168.77.2', '192.168.77.3', '192.168.77.254', '192.168.77.99'],
  ...['::1', '::', '::ffff:127.0.0.1', 'fe80::2', 'fec0::2', 'fd12:3456:789a:8::2', 'fd12:3456:789a:8::77'],
])('a name that resolves to %s leads no guest to the loopback interface of the host', (address) => {
  using network = new world.SwitchWorld();
  resolve(network, address);
  for (const frame of attempts(address)) expect(network.whereTo('a', frame)).toEqual([]);
  expect(network.dropped('a')).toEqual({ forbidden: 8 });
});

it('a name in the domain of the network is never asked for on the host', () => {
  using network = new world.SwitchWorld();
  const question = frames.dnsQuestion({ name: 'localhost.kame' });
  const flow = { source: own4, destination: '192.168.77.3', ...asks };
  expect(network.whereTo('a', frames.udp({ from: macA, to: nameServerMac }, flow, question))).toEqual([]);
});
