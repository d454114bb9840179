import type { Packet } from '../packet/packet.ts';

/** What tells the connections of an adapter apart: the addresses and ports, which follow each other in a packet without options. */
export function flowKey({ buffer, network, transport, isIpv4 }: Packet): string {
  return buffer.toString('latin1', network + (isIpv4 ? 12 : 8), transport + 4);
}
