import { u8 } from './bytes.ts';
import { isUnspecified } from './ipv6-address.ts';
import { protocols, type Packet } from './packet.ts';

export const ndpTypes = {
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const;

/** ICMPv6 of neighbour discovery, RFC 4861. */
export function isNdp({ isIpv6, protocol, icmpType }: Packet): boolean {
  return isIpv6 && protocol === protocols.icmpv6 && icmpType >= 133 && icmpType <= 137;
}

/**
 * Whether receivers would accept it: hop limit 255, not behind extension headers or in a fragment (RFC 6980), and whole.
 */
export function isWellFormedNdp(packet: Packet): boolean {
  const { buffer, network, hasOptions, fragment, icmpType, transportLength } = packet;
  if (hasOptions || fragment !== 'none' || u8(buffer, network + 7) !== 255) return false;
  return transportLength >= (icmpType === ndpTypes.routerSolicitation ? 8 : 24);
}

/**
 * Where the address is that the sender of neighbour discovery says is its own: the target of an advertisement, or of a
 * solicitation by which it looks whether someone has the address (its source is ::), otherwise its source.
 * @returns -1 if it claims none
 */
export function claimedAt({ buffer, network, transport, icmpType }: Packet): number {
  const source = network + 8;
  if (icmpType === ndpTypes.neighbourAdvertisement) return transport + 8;
  if (!isUnspecified(buffer, source)) return source;
  return icmpType === ndpTypes.neighbourSolicitation ? transport + 8 : -1;
}
