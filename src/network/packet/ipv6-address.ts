import { u16, u32, u8 } from './bytes.ts';
import type { Mac } from './mac.ts';

/** 16 bytes. */
export type Ipv6 = Buffer;

export const ipv6Length = 16;

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

/** Reads the text form of RFC 4291, without an embedded IPv4 address or a zone. @returns undefined if it is malformed */
export function parseIpv6(text: string): Ipv6 | undefined {
  if (text.length > 39) return undefined;
  const halves = text.split('::');
  const [before, after] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')];
  if (!before || !after || halves.length > 2) return undefined;
  const missing = 8 - before.length - after.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const address = Buffer.alloc(ipv6Length);
  [...before, ...Array.from({ length: missing }, () => 0), ...after].forEach((group, index) => {
    address.writeUInt16BE(group, index * 2);
  });
  return address;
}

/** The text of the address at a position, without `::`. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  return Array.from({ length: 8 }, (_, group) => u16(bytes, at + group * 2).toString(16)).join(':');
}

/** Whether the first `length` bytes of the address at a position are those of another. */
export function hasPrefix(bytes: Buffer, at: number, prefix: Uint8Array, length: number): boolean {
  for (let index = 0; index < length; index += 1) {
    if (bytes[at + index] !== prefix[index]) return false;
  }
  return true;
}

/** fe80::/10 */
export function isLinkLocal(bytes: Uint8Array, at: number): boolean {
  return (u16(bytes, at) & 0xffc0) === 0xfe80;
}

/** fec0::/10, which RFC 3879 deprecates. */
export function isSiteLocal(bytes: Uint8Array, at: number): boolean {
  return (u16(bytes, at) & 0xffc0) === 0xfec0;
}

/** ff00::/8 */
export function isMulticast6(bytes: Uint8Array, at: number): boolean {
  return u8(bytes, at) === 0xff;
}

/** Whether the address embeds an IPv4 address, or is :: or ::1: all of ::/96 and ::ffff:0:0/96. */
export function isEmbedded(bytes: Uint8Array, at: number): boolean {
  if (u32(bytes, at) !== 0 || u32(bytes, at + 4) !== 0) return false;
  const middle = u32(bytes, at + 8);
  return middle === 0 || middle === 0xffff;
}

/** Whether the address is ::. */
export function isUnspecified(bytes: Uint8Array, at: number): boolean {
  for (let word = 0; word < ipv6Length; word += 4) if (u32(bytes, at + word) !== 0) return false;
  return true;
}

/** The address that a host makes of a /64 and its MAC (modified EUI-64, RFC 4291 appendix A). */
export function eui64(prefix: Ipv6, mac: Mac): Ipv6 {
  const address = Buffer.from(prefix);
  address.writeUIntBE(mac, 10, 6);
  address.copyWithin(8, 10, 13);
  address.writeUInt8(u8(address, 8) ^ 2, 8);
  address.writeUInt16BE(0xfffe, 11);
  return address;
}
