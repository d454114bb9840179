import { describe, expect, it } from 'vitest';
import * as frames from '../../../test/support/frames.ts';
import { Packet } from './packet.ts';

const route = { from: '52:54:00:00:00:0a', to: '52:54:00:00:00:0b' };
const flow = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1000, destinationPort: 53 };
const flow6 = { ...flow, source: 'fd00::1', destination: 'fd00::2' };
const rest = { source: 'fd00::1', destination: 'fd00::2' };
const datagram = frames.udpDatagram(1000, 53, Buffer.from('x'));

function read(frame: Buffer): Packet | undefined {
  const packet = new Packet();
  // In the middle of a buffer, as it comes.
  const buffer = Buffer.concat([Buffer.alloc(7, 0xee), frame, Buffer.alloc(9, 0xee)]);
  return packet.read(buffer, 7, 7 + frame.length) ? packet : undefined;
}

describe('a frame', () => {
  it('of UDP has its ports, over IPv4 and IPv6, with VLAN tags and without', () => {
    const same = { isUdp: true, sourcePort: 1000, destinationPort: 53, fragment: 'none', hasOptions: false };
    expect(read(frames.udp(route, flow))).toMatchObject({
      ...same,
      isIpv4: true,
      tags: 0,
      source4: 0x0a00_0001,
    });
    expect(read(frames.udp6(route, flow6))).toMatchObject({ ...same, isIpv6: true, tags: 0 });
    const tagged = frames.ipv4(route, { ...flow, protocol: 17, payload: datagram, tags: [0, 5] });
    expect(read(tagged)).toMatchObject({ ...same, isIpv4: true, tags: 2 });
  });

  it.each([
    ['shorter than its header', frames.udp(route, flow).subarray(0, 13)],
    ['shorter than its IPv4 header', frames.udp(route, flow).subarray(0, 30)],
    ['shorter than its packet', frames.udp(route, flow).subarray(0, -1)],
    ['shorter than its IPv6 packet', frames.udp6(route, flow6).subarray(0, -1)],
    ['with three VLAN tags', frames.ethernet(route, 0x0800, Buffer.alloc(40), [1, 2, 3])],
    ['with a version that its type contradicts', frames.ethernet(route, 0x0800, Buffer.alloc(40, 0x66))],
    ['cut in a VLAN tag', frames.ethernet(route, 0x0800, Buffer.alloc(0), [1]).subarray(0, 17)],
    [
      'with too many extension headers',
      frames.ipv6(route, { ...rest, next: 60, payload: Buffer.alloc(400, 60).fill(0, 1, 1) }),
    ],
    [
      'with an extension header that is cut',
      frames.ipv6(route, { ...rest, next: 0, payload: Buffer.from([17, 9]) }),
    ],
  ])('%s is malformed', (_what, frame) => expect(read(frame)).toBeUndefined());

  it('has ports behind extension headers, but not in a later fragment', () => {
    const hop = Buffer.from([44, 0, 1, 4, 0, 0, 0, 0]);
    const fragment = (offset: number) => Buffer.from([17, 0, offset >> 8, offset & 255, 0, 0, 0, 1]);
    const of = (offset: number) =>
      read(
        frames.ipv6(route, { ...rest, next: 0, payload: Buffer.concat([hop, fragment(offset), datagram]) }),
      );
    expect(of(1)).toMatchObject({ isUdp: true, destinationPort: 53, fragment: 'first', hasOptions: true });
    expect(of(9)).toMatchObject({ isUdp: false, fragment: 'later', protocol: 17 });
    const later = frames.ipv4(route, { ...flow, protocol: 17, payload: datagram, fragment: 1 });
    expect(read(later)).toMatchObject({ isUdp: false, fragment: 'later' });
    const first = frames.ipv4(route, { ...flow, protocol: 17, payload: datagram, fragment: 0x2000 });
    expect(read(first)).toMatchObject({ isUdp: true, fragment: 'first' });
  });
});
