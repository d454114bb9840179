import { u24 } from './bytes.ts';

/**
 * A MAC address as a number of 48 bits, so that it can be compared and be the key of a map without an allocation.
 * `02:00:00:00:00:01` is 0x020000000001.
 */
export type Mac = number;

export const broadcastMac: Mac = 0xffff_ffff_ffff;

/** The MAC address at a position. */
export function macAt(bytes: Uint8Array, at: number): Mac {
  return u24(bytes, at) * 0x100_0000 + u24(bytes, at + 3);
}

/** Whether it is a broadcast or multicast address, which cannot be the source of a frame. */
export function isGroup(mac: Mac): boolean {
  return (Math.floor(mac / 0x100_0000_0000) & 1) === 1;
}

export function writeMac(bytes: Buffer, at: number, mac: Mac): void {
  bytes.writeUIntBE(mac, at, 6);
}

/** Reads `aa:bb:cc:dd:ee:ff`. @returns undefined if it is malformed */
export function parseMac(text: string): Mac | undefined {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? Number.parseInt(text.replaceAll(':', ''), 16)
    : undefined;
}

/** In lower case with colons. */
export function formatMac(mac: Mac): string {
  const hex = mac.toString(16).padStart(12, '0');
  return (hex.match(/../g) ?? []).join(':');
}
