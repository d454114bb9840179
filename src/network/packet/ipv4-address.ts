/** An IPv4 address as a number of 32 bits. */
export type Ipv4 = number;

export const broadcastIpv4: Ipv4 = 0xffff_ffff;

/** Reads dotted decimal. @returns undefined if it is malformed */
export function parseIpv4(text: string): Ipv4 | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  let address = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

export interface Ipv4Subnet {
  readonly address: Ipv4;
  readonly mask: number;
}

export function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
}

/** The subnet of an address. */
export function subnetOf(address: Ipv4, prefixLength: number): Ipv4Subnet {
  const mask = maskOf(prefixLength);
  return { address: (address & mask) >>> 0, mask };
}

/** Reads `192.168.78.0/24`. @returns undefined if it is malformed */
export function parseSubnet(text: string): Ipv4Subnet | undefined {
  const match = /^([\d.]{7,15})\/(\d{1,2})$/.exec(text);
  const address = parseIpv4(match?.[1] ?? '');
  const length = Number(match?.[2]);
  return address === undefined || length > 32 ? undefined : subnetOf(address, length);
}

export function isInSubnet(address: Ipv4, { address: subnet, mask }: Ipv4Subnet): boolean {
  return (address & mask) >>> 0 === subnet;
}

/** The last address of a subnet, for packets to all of its hosts. */
export function broadcastOf({ address, mask }: Ipv4Subnet): Ipv4 {
  return (address | ~mask) >>> 0;
}
