import { u16, u8 } from './bytes.ts';

/** Types of resource records. */
export const dnsTypes = { a: 1, ptr: 12, aaaa: 28, opt: 41, any: 255 } as const;
/** Result codes. */
export const dnsCodes = { noError: 0, nameError: 3, notImplemented: 4, refused: 5 } as const;

const header = 12;
const maxName = 255;
const maxLabel = 63;
const internet = 1;
const anyClass = 255;
/** What this end accepts, the value that DNS servers agreed on in 2020. */
const udpSize = 1232;

/** The one question of a query. */
export interface DnsQuery {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  /** In lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  /** The question as it came, to be repeated in the answer. */
  readonly question: Buffer;
  /** It has an EDNS record. */
  readonly extended: boolean;
}

/** Reads a name without pointers, which have no place in a question. @returns undefined if it is malformed */
export function readName(
  bytes: Buffer,
  start: number,
): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = start; at - start < maxName && at < bytes.length;) {
    const length = u8(bytes, at);
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at + 1 };
    if (length > maxLabel || at + 1 + length > bytes.length) return undefined;
    // A dot inside a label would look like two labels.
    const label = bytes.toString('latin1', at + 1, at + 1 + length);
    if (label.includes('.')) return undefined;
    labels.push(label);
    at += 1 + length;
  }
  return undefined;
}

/** The bytes of a name, whose labels must be short enough. */
export function nameBytes(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length & maxLabel]), Buffer.from(label, 'latin1')]),
  );
  return Buffer.concat([...parts, Buffer.from([0])]);
}

/** Whether the first additional record is of EDNS: its name is the root. */
function hasEdns(bytes: Buffer, at: number): boolean {
  const withoutOthers = u16(bytes, 6) === 0 && u16(bytes, 8) === 0 && u16(bytes, 10) >= 1;
  return (
    withoutOthers && at + 11 <= bytes.length && u8(bytes, at) === 0 && u16(bytes, at + 1) === dnsTypes.opt
  );
}

/** Reads a query. @returns undefined if it is malformed, an answer, or does not have exactly one question of the Internet class */
export function readDnsQuery(bytes: Buffer): DnsQuery | undefined {
  const flags = u16(bytes, 2);
  if (bytes.length < header || flags >= 0x8000 || u16(bytes, 4) !== 1) return undefined;
  const name = readName(bytes, header);
  if (!name || name.end + 4 > bytes.length) return undefined;
  const questionClass = u16(bytes, name.end + 2);
  if (questionClass !== internet && questionClass !== anyClass) return undefined;
  return {
    id: u16(bytes, 0),
    opcode: (flags >>> 11) & 15,
    recursionDesired: (flags & 0x100) !== 0,
    name: name.name,
    type: u16(bytes, name.end),
    question: bytes.subarray(header, name.end + 4),
    extended: hasEdns(bytes, name.end + 4),
  };
}

export interface DnsAnswer {
  readonly code: number;
  /** Of the name that was asked for. */
  readonly records: readonly { readonly type: number; readonly data: Uint8Array }[];
  /** Seconds. */
  readonly ttl: number;
  /** Of a name for which this server is responsible. */
  readonly authoritative: boolean;
}

/** The bytes of the answer to a query. */
export function dnsReply(query: DnsQuery, { code, records, ttl, authoritative }: DnsAnswer): Buffer {
  const head = Buffer.alloc(header);
  head.writeUInt16BE(query.id, 0);
  const flags =
    0x8080 | (query.opcode << 11) | (authoritative ? 0x400 : 0) | (query.recursionDesired ? 0x100 : 0);
  head.writeUInt16BE(flags | code, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(query.extended ? 1 : 0, 10);
  const answers = records.flatMap(({ type, data }) => {
    const record = Buffer.alloc(12);
    // A pointer to the name in the question.
    record.writeUInt16BE(0xc000 | header, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(internet, 4);
    record.writeUInt32BE(ttl, 6);
    record.writeUInt16BE(data.length, 10);
    return [record, data];
  });
  const edns = query.extended
    ? [Buffer.from([0, 0, dnsTypes.opt, udpSize >>> 8, udpSize & 255, 0, 0, 0, 0, 0, 0])]
    : [];
  return Buffer.concat([head, query.question, ...answers, ...edns]);
}
