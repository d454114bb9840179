import { describe, expect, it } from 'vitest';
import * as frames from '../../test/support/frames.ts';
import * as world from '../../test/support/switch-world.ts';
import { checksumOf, wordSum } from './packet/checksum.ts';

const { macA, nameServerMac, nameServerMac6, serverMac } = world;
const own6 = 'fd12:3456:789a:8::b';
const ns6 = 'fd12:3456:789a:8::3';
const [a, ptr, aaaa, any] = [1, 12, 28, 255];

interface Answer {
  readonly code: number;
  /** Type and data in hex. */
  readonly records: readonly string[];
  readonly frame: Buffer;
}

function readAnswer(frame: Buffer | undefined, headerBytes: number): Answer | undefined {
  if (!frame) return undefined;
  const dns = frame.subarray(headerBytes);
  const records: string[] = [];
  let at = 12;
  while (dns[at] !== 0) at += 1 + (dns[at] ?? 0);
  at += 5;
  for (let count = dns.readUInt16BE(6); count > 0; count -= 1) {
    const length = dns.readUInt16BE(at + 10);
    records.push(`${dns.readUInt16BE(at + 2)} ${dns.toString('hex', at + 12, at + 12 + length)}`);
    at += 12 + length;
  }
  return { code: dns.readUInt16BE(2) & 15, records, frame };
}

function ask(
  network: world.SwitchWorld,
  question: frames.QuestionFields,
  server = '192.168.77.3',
  to = nameServerMac,
): Answer | undefined {
  const flow = { source: '192.168.77.10', destination: server, sourcePort: 5000, destinationPort: 53 };
  network.take('a');
  network.send('a', frames.udp({ from: macA, to }, flow, frames.dnsQuestion(question)));
  return readAnswer(network.take('a')[0], 42);
}

describe('the names of machines', () => {
  it.each([
    ['web.kame', a, 0, ['1 c0a84d0a']],
    ['WEB.KAME', a, 0, ['1 c0a84d0a']],
    ['web.kame', aaaa, 0, []],
    ['web.kame', any, 0, ['1 c0a84d0a']],
    ['web.kame', 16, 0, []],
    ['nobody.kame', a, 3, []],
    ['a.web.kame', a, 3, []],
    ['kame', a, 0, []],
    ['10.77.168.192.in-addr.arpa', ptr, 0, ['12 03776562046b616d6500']],
    ['10.77.168.192.in-addr.arpa', a, 0, []],
    ['99.77.168.192.in-addr.arpa', ptr, 3, []],
  ])('%s, type %i', (name, type, code, records) => {
    const hosts = [{ mac: macA, address: '192.168.77.10', label: 'web' }];
    using network = new world.SwitchWorld(world.natConfig({ hosts }));
    expect(ask(network, { name, type })).toMatchObject({ code, records });
    expect(ask(network, { name, type }, '192.168.77.254', serverMac)).toMatchObject({ code, records });
    expect(network.take('uplink')).toEqual([]);
  });

  it('are answered from the address that was asked, with correct checksums, over IPv4 and IPv6', () => {
    using network = new world.SwitchWorld();
    const frame = ask(network, { name: 'b.kame', edns: true })?.frame ?? Buffer.alloc(0);
    expect(frame.toString('hex', 0, 12)).toBe(`52540000000a${nameServerMac.replaceAll(':', '')}`);
    expect(frame.toString('hex', 26, 38)).toBe('c0a84d03c0a84d0a00351388');
    expect(checksumOf(wordSum(frame, 14, 34))).toBe(0);
    expect(checksumOf(wordSum(frame, 26, frame.length) + 17 + frame.length - 34)).toBe(0);
    const flow = { source: own6, destination: ns6, sourcePort: 5000, destinationPort: 53 };
    network.send(
      'a',
      frames.udp6({ from: macA, to: nameServerMac6 }, flow, frames.dnsQuestion({ name: 'b.kame' })),
    );
    const [frame6 = Buffer.alloc(0)] = network.take('a');
    expect(readAnswer(frame6, 62)).toMatchObject({ code: 0, records: ['1 c0a84d0b'] });
    expect(frame6.subarray(22, 38)).toEqual(frames.ip6(ns6));
    expect(checksumOf(wordSum(frame6, 22, frame6.length) + 17 + frame6.length - 54)).toBe(0);
  });

  it('have the IPv6 addresses that machines were seen with', () => {
    using network = new world.SwitchWorld();
    const seen = (address: string) =>
      network.send(
        'b',
        frames.icmp6(
          { from: world.macB, to: '33:33:00:00:00:01' },
          '::',
          'ff02::1',
          frames.ndp.solicitation(address),
        ),
      );
    for (const address of ['fe80::1:1', '2001:db8::1', own6]) seen(address);
    expect(ask(network, { name: 'b.kame', type: aaaa })).toMatchObject({
      code: 0,
      records: [`28 ${frames.ip6(own6).toString('hex')}`],
    });
    network.configure(world.natConfig({ ports: [world.portOf('a', macA)] }));
    expect(ask(network, { name: 'b.kame', type: aaaa })).toMatchObject({ code: 0, records: [] });
  });

  it('of other domains are passed on, or refused where there is no way out', () => {
    const question = { name: 'example.com' };
    using open = new world.SwitchWorld();
    expect(ask(open, question)).toBeUndefined();
    expect(open.take('uplink')).toHaveLength(1);
    expect(ask(open, question, '192.168.77.254', serverMac)).toMatchObject({ code: 5, records: [] });
    expect(ask(open, { name: '9.78.168.192.in-addr.arpa', type: ptr })).toBeUndefined();
    for (const uplink of [null, { ...world.uplink, outbound: false }]) {
      using closed = new world.SwitchWorld(world.natConfig({ uplink }));
      expect(ask(closed, question, '192.168.77.254', serverMac)).toMatchObject({ code: 5 });
      expect(ask(closed, { name: 'b.kame' }, '192.168.77.254', serverMac)).toMatchObject({ code: 0 });
      expect(closed.take('uplink')).toEqual([]);
    }
  });

  it('are not looked up for a malformed query, which is dropped', () => {
    using network = new world.SwitchWorld();
    const flow = {
      source: '192.168.77.10',
      destination: '192.168.77.3',
      sourcePort: 5000,
      destinationPort: 53,
    };
    network.send('a', frames.udp({ from: macA, to: nameServerMac }, flow, Buffer.from('what?')));
    expect([network.take('a'), network.take('uplink'), network.dropped('a')]).toEqual([
      [],
      [],
      { malformed: 1 },
    ]);
  });
});

describe('the DHCP server as a host', () => {
  it('answers ARP and ping, and nothing else', () => {
    using network = new world.SwitchWorld();
    network.send(
      'a',
      frames.arp({ from: macA, to: world.everyone }, { sender: '192.168.77.10', target: '192.168.77.254' }),
    );
    const [reply] = network.take('a');
    expect(reply?.toString('hex', 0, 42)).toBe(
      '52540000000a5255c0a84dfe080600010800060400025255c0a84dfec0a84dfe52540000000ac0a84d0a',
    );
    const route = { from: macA, to: serverMac };
    network.send('a', frames.echo(route, '192.168.77.10', '192.168.77.254'));
    const [echo = Buffer.alloc(0)] = network.take('a');
    expect(echo.toString('hex', 26, 36)).toBe('c0a84dfec0a84d0a0000');
    expect([checksumOf(wordSum(echo, 14, 34)), checksumOf(wordSum(echo, 34, echo.length))]).toEqual([0, 0]);
    const flow = {
      source: '192.168.77.10',
      destination: '192.168.77.254',
      sourcePort: 1,
      destinationPort: 2,
    };
    network.send('a', frames.udp(route, flow));
    expect(['a', 'b', 'c', 'uplink'].flatMap((id) => network.take(id))).toEqual([]);
  });
});
