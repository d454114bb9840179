/** Stands for the UUID of a machine that has none yet. */
export const nilUuid = '00000000-0000-0000-0000-000000000000';

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return canonical.test(text);
}

/** Converts `56 4d 00 11 22 33 44 55-66 …`, or any other spelling of 16 bytes, to a canonical lower-case UUID. */
export function uuidFromVmx(text: string): string | undefined {
  if (!/^[0-9a-f][0-9a-f -]{30,60}$/i.test(text)) return undefined;
  const hex = text.replace(/[ -]/g, '').toLowerCase();
  if (hex.length !== 32) return undefined;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Converts a canonical UUID to VMware's notation: hex pairs with spaces, and a dash in the middle. */
export function uuidToVmx(uuid: string): string {
  const pairs = uuid.replaceAll('-', '').match(/../g) ?? [];
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`;
}

/**
 * The MAC address that VMware generates for adapter `index`: the prefix 00:0c:29 and the last three bytes of the UUID,
 * 10 higher for each further adapter (`ethernetN.generatedAddressOffset`).
 */
export function generatedMac(uuid: string, index = 0): string {
  const last = Number.parseInt(uuid.replaceAll('-', '').slice(-6), 16);
  const hex = ((last + macOffset(index)) % 0x1000000).toString(16).padStart(6, '0');
  return ['00:0c:29', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)].join(':');
}

/** `ethernetN.generatedAddressOffset`. */
export function macOffset(index: number): number {
  return index * 10;
}

/** Converts a MAC address with colons or dashes to lower case with colons; undefined if it is invalid. */
export function normalizeMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return text.toLowerCase().replaceAll('-', ':');
}

/**
 * Whether VMware accepts a static address without checkMACAddress = "FALSE": 00:50:56:00:00:00 to 00:50:56:3f:ff:ff.
 */
export function isVmwareStaticMac(mac: string): boolean {
  return /^00:50:56:[0-3]/.test(mac);
}
