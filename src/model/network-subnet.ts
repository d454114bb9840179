import { shown } from './problem.ts';

/** IPv4 subnets and the addresses in them: parsing, private ranges, and VMware's layout. Pure. */

export interface Subnet {
  /** The first address, as a number of 32 bits. */
  readonly base: number;
  readonly prefixLength: number;
}

/** The sizes of subnets that a network may have. */
const prefixLengths = { min: 16, max: 29 } as const;

/** RFC 1918. */
const privateRanges: readonly Subnet[] = [
  { base: 0x0a000000, prefixLength: 8 },
  { base: 0xac100000, prefixLength: 12 },
  { base: 0xc0a80000, prefixLength: 16 },
];

/** An IPv4 address in its only spelling, dotted decimal without leading zeros, as a number; undefined for anything else. */
export function parseAddress(text: string): number | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.(?!$)|$)){4}$/.test(text)) return undefined;
  let value = 0;
  for (const part of text.split('.')) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** Dotted decimal. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatAddress(base)}/${prefixLength}`;
}

/** How many addresses a subnet has. */
export function sizeOf({ prefixLength }: Subnet): number {
  return 2 ** (32 - prefixLength);
}

/** The mask of a subnet: 255.255.255.0 for /24, as a number. */
export function maskOf(subnet: Subnet): number {
  return 2 ** 32 - sizeOf(subnet);
}

/** `address/length` of any IPv4 network, with or without host bits; undefined if it is malformed. */
function parseLoosely(text: string): Subnet | undefined {
  const [, address = '', length = ''] = /^([\d.]{7,15})\/(\d|[12]\d|3[0-2])$/.exec(text) ?? [];
  const base = parseAddress(address);
  return base === undefined ? undefined : { base, prefixLength: Number(length) };
}

/** The subnet in which an address is. */
function subnetAt(address: number, prefixLength: number): Subnet {
  return { base: address - (address % 2 ** (32 - prefixLength)), prefixLength };
}

/** The subnet of an address with a prefix length, as the interfaces of a host have them; undefined if it is malformed. */
export function subnetAround(text: string): Subnet | undefined {
  const found = parseLoosely(text);
  return found && subnetAt(found.base, found.prefixLength);
}

/** Whether an address is in a subnet. */
export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address < subnet.base + sizeOf(subnet);
}

export function overlaps(one: Subnet, other: Subnet): boolean {
  return contains(one, other.base) || contains(other, one.base);
}

function isPrivate(subnet: Subnet): boolean {
  return privateRanges.some(
    (range) => range.prefixLength <= subnet.prefixLength && contains(range, subnet.base),
  );
}

export const allowedSubnets = `a private IPv4 subnet in CIDR form, such as 192.168.77.0/24, from /${prefixLengths.min} to /${prefixLengths.max}`;

/** A subnet for a network, or what is wrong with the text: a sentence, with a suggestion if one can be given. */
export function readSubnet(text: string): Subnet | { readonly fault: string } {
  const found = parseLoosely(text);
  const { min, max } = prefixLengths;
  if (!found) return { fault: `"${shown(text)}" is not ${allowedSubnets}.` };
  if (found.prefixLength < min || found.prefixLength > max)
    return { fault: `"${text}" has /${found.prefixLength}; a network has /${min} to /${max}.` };
  const canonical = subnetAt(found.base, found.prefixLength);
  if (!isPrivate(canonical)) {
    return {
      fault: `"${text}" is not in a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.`,
    };
  }
  if (canonical.base !== found.base)
    return { fault: `"${text}" has bits after its prefix. Did you mean ${formatSubnet(canonical)}?` };
  return canonical;
}

/** The subnet of a network that was validated. @throws TypeError for anything else */
export function subnetOf(text: string): Subnet {
  const subnet = readSubnet(text);
  if ('fault' in subnet) throw new TypeError(subnet.fault);
  return subnet;
}

/**
 * Who has which address in a network, as in VMware: .2 is the gateway, .3 its name server, and the last one but the
 * broadcast address is the DHCP server's. .1 is the host's in VMware, and stays free. Adapters of machines get theirs from the
 * upper half; guests of unknown MAC from the second quarter; the rest is for addresses that people choose.
 */
export interface Layout {
  readonly gateway: number;
  readonly nameServer: number;
  readonly dhcpServer: number;
  /** The first and the last address for adapters of machines: .128 to .253. */
  readonly machines: readonly [number, number];
  /** The first and the last address for unknown MACs: .64 to .127. In a small network the same as `machines`. */
  readonly others: readonly [number, number];
}

export function layoutOf(subnet: Subnet): Layout {
  const { base } = subnet;
  const size = sizeOf(subnet);
  const machines = [base + size / 2, base + size - 3] as const;
  const othersFrom = Math.max(size / 4, 4);
  return {
    gateway: base + 2,
    nameServer: base + 3,
    dhcpServer: base + size - 2,
    machines,
    others: othersFrom < size / 2 ? [base + othersFrom, base + size / 2 - 1] : machines,
  };
}

/** What an address is reserved for by the network itself; undefined if an adapter may have it. */
export function roleOf(subnet: Subnet, address: number): string | undefined {
  const { gateway, nameServer, dhcpServer } = layoutOf(subnet);
  if (address === subnet.base) return 'the address of the network';
  if (address === subnet.base + 1) return 'kept for the host';
  if (address === gateway) return 'the gateway';
  if (address === nameServer) return 'the name server';
  if (address === dhcpServer) return 'the DHCP server';
  if (address === subnet.base + sizeOf(subnet) - 1) return 'the broadcast address';
  return undefined;
}

/** The address with the same place in another subnet; undefined if that has no such place, or it is taken by the network. */
export function movedTo(address: number, from: Subnet, to: Subnet): number | undefined {
  const moved = to.base + (address - from.base);
  return contains(to, moved) && roleOf(to, moved) === undefined ? moved : undefined;
}
