import { u16, u32, u8 } from './bytes.ts';
import type { Ipv4 } from './ipv4-address.ts';
import { macAt, writeMac, type Mac } from './mac.ts';

/** Message types of option 53, RFC 2132. */
export const dhcpTypes = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** Options, RFC 2132; 119 is of RFC 3397. */
export const dhcpOptions = {
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  broadcast: 28,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  serverId: 54,
  renewalTime: 58,
  rebindingTime: 59,
  tftpServer: 66,
  bootFile: 67,
  domainSearch: 119,
} as const;

export const dhcpPorts = { server: 67, client: 68 } as const;

/** Before the options: the fields of BOOTP and the magic cookie. */
const fixedBytes = 240;
const magicCookie = 0x6382_5363;
/** Some clients refuse shorter ones, as BOOTP had them. */
const shortestMessage = 300;
const bootFileBytes = 128;
const broadcastFlag = 0x8000;

/** What a client says. */
export interface DhcpRequest {
  readonly type: number;
  readonly transaction: number;
  readonly seconds: number;
  /** The client cannot receive unicast yet. */
  readonly broadcast: boolean;
  readonly clientAddress: Ipv4;
  readonly relay: Ipv4;
  readonly mac: Mac;
  readonly options: ReadonlyMap<number, Buffer>;
}

/** @returns undefined if they do not end properly; one that comes twice is joined, as RFC 3396 says */
function readOptions(bytes: Buffer): Map<number, Buffer> | undefined {
  const options = new Map<number, Buffer>();
  for (let at = fixedBytes; at < bytes.length;) {
    const code = u8(bytes, at);
    if (code === 255) return options;
    if (code === 0) {
      at += 1;
      continue;
    }
    const end = at + 2 + u8(bytes, at + 1);
    if (end > bytes.length) return undefined;
    const value = bytes.subarray(at + 2, end);
    const earlier = options.get(code);
    options.set(code, earlier ? Buffer.concat([earlier, value]) : value);
    at = end;
  }
  return options;
}

/** Reads the message of a client. @returns undefined if it is malformed, or BOOTP without a message type */
export function readDhcpRequest(bytes: Buffer): DhcpRequest | undefined {
  const isEthernet = u8(bytes, 0) === 1 && u8(bytes, 1) === 1 && u8(bytes, 2) === 6;
  if (bytes.length < fixedBytes || !isEthernet || u32(bytes, 236) !== magicCookie) return undefined;
  const options = readOptions(bytes);
  const type = options?.get(dhcpOptions.messageType);
  if (!options || type?.length !== 1) return undefined;
  return {
    type: u8(type, 0),
    transaction: u32(bytes, 4),
    seconds: u16(bytes, 8),
    broadcast: (u16(bytes, 10) & broadcastFlag) !== 0,
    clientAddress: u32(bytes, 12),
    relay: u32(bytes, 24),
    mac: macAt(bytes, 28),
    options,
  };
}

/** The address in an option. @returns undefined without the option */
export function addressOption({ options }: DhcpRequest, code: number): Ipv4 | undefined {
  const value = options.get(code);
  return value?.length === 4 ? u32(value, 0) : undefined;
}

/** What the server answers. */
export interface DhcpReply {
  readonly type: number;
  readonly yourAddress: Ipv4;
  /** From where the client boots; 0 without. */
  readonly nextServer: Ipv4;
  readonly bootFile: string | null;
  /** In the order in which they are written. */
  readonly options: readonly (readonly [code: number, value: Uint8Array])[];
}

/** The bytes of an answer to a request. */
export function dhcpReply(request: DhcpRequest, reply: DhcpReply): Buffer {
  const fixed = Buffer.alloc(fixedBytes);
  fixed.writeUInt32BE(0x0201_0600, 0);
  fixed.writeUInt32BE(request.transaction, 4);
  fixed.writeUInt16BE(request.broadcast ? broadcastFlag : 0, 10);
  fixed.writeUInt32BE(reply.type === dhcpTypes.nak ? 0 : request.clientAddress, 12);
  fixed.writeUInt32BE(reply.yourAddress, 16);
  fixed.writeUInt32BE(reply.nextServer, 20);
  fixed.writeUInt32BE(request.relay, 24);
  writeMac(fixed, 28, request.mac);
  const file = Buffer.from(reply.bootFile ?? '');
  if (file.length < bootFileBytes) fixed.set(file, 108);
  fixed.writeUInt32BE(magicCookie, 236);
  const options = reply.options.flatMap(([code, value]) => [Buffer.from([code, value.length]), value]);
  const message = Buffer.concat([fixed, ...options, Buffer.from([255])]);
  return message.length < shortestMessage
    ? Buffer.concat([message, Buffer.alloc(shortestMessage - message.length)])
    : message;
}

export function addressBytes(...addresses: readonly Ipv4[]): Buffer {
  const bytes = Buffer.alloc(addresses.length * 4);
  addresses.forEach((address, index) => bytes.writeUInt32BE(address, index * 4));
  return bytes;
}
