/**
 * Messages between a SPICE agent and the host, as spice-protocol's `spice/vd_agent.h` defines them: chunks
 * (`VDIChunkHeader`) that carry messages (`VDAgentMessage`), all numbers little-endian.
 */

export const messageTypes = {
  monitorsConfig: 2,
  reply: 3,
  clipboard: 4,
  announceCapabilities: 6,
  clipboardGrab: 7,
  clipboardRequest: 8,
  clipboardRelease: 9,
  fileStart: 10,
  fileStatus: 11,
  fileData: 12,
  maxClipboard: 14,
} as const;

/** Numbers of the bits in the capabilities. */
export const capabilityBits = {
  monitorsConfig: 1,
  reply: 2,
  clipboardByDemand: 5,
  clipboardSelection: 6,
  guestLineEndCrlf: 9,
  maxClipboard: 10,
  fileTransferDisabled: 13,
  noReleaseOnRegrab: 16,
  grabSerial: 17,
} as const;
export type CapabilityName = keyof typeof capabilityBits;

/** What the host can do. The end of lines is a fact about the guest, which only the guest announces. */
const hostCapabilities: readonly CapabilityName[] = [
  'monitorsConfig',
  'reply',
  'clipboardByDemand',
  'clipboardSelection',
  'maxClipboard',
  'noReleaseOnRegrab',
  'grabSerial',
];

/** Kinds of content of the clipboard. `none` is the answer to a request that cannot be met. */
export const contentKinds = { none: 0, text: 1, png: 2, bmp: 3, tiff: 4, jpeg: 5 } as const;

/** The clipboard of Ctrl-C and Ctrl-V; X11 has others (1 is what the mouse selects). */
export const clipboardSelection = 0;

/** The chunks of the host; the port of the server carries the pointer, which Kame does not use. */
export const clientPort = 1;
export const serverPort = 2;
export const chunkHeaderBytes = 8;
export const messageHeaderBytes = 20;
export const protocolVersion = 1;
/** The most that one chunk from the host may carry; chunks of the guest have any size. */
export const maxChunkBytes = 2048;

export interface Message {
  readonly type: number;
  readonly data: Buffer;
}

/** Which optional fields the messages about the clipboard have. Both sides must have the capability. */
export interface Layout {
  readonly selection: boolean;
  readonly serial: boolean;
}

/** Numbers as the protocol writes them. */
function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * index);
  return bytes;
}

/** The header that precedes a message of `size` bytes. */
export function messageHeader(type: number, size: number): Buffer {
  return words(protocolVersion, type, 0, 0, size);
}

export function chunkHeader(size: number): Buffer {
  return words(clientPort, size);
}

/** @param request whether the guest is to answer with its own, which also sets the serials of both sides to 0 */
export function announceCapabilities(request: boolean): Message {
  let bits = 0;
  for (const name of hostCapabilities) bits |= 1 << capabilityBits[name];
  return { type: messageTypes.announceCapabilities, data: words(request ? 1 : 0, bits) };
}

/** Tells the guest the largest content that it may send, in bytes. */
export function maxClipboard(bytes: number): Message {
  return { type: messageTypes.maxClipboard, data: words(bytes) };
}

function selectionField({ selection }: Layout, which: number): readonly Buffer[] {
  return selection ? [Buffer.from([which, 0, 0, 0])] : [];
}

/** The host has content of these kinds. */
export function clipboardGrab(layout: Layout, kinds: readonly number[], serial: number): Message {
  const serialField = layout.serial ? [words(serial)] : [];
  const data = Buffer.concat([
    ...selectionField(layout, clipboardSelection),
    ...serialField,
    words(...kinds),
  ]);
  return { type: messageTypes.clipboardGrab, data };
}

/** The host has no content any more. */
export function clipboardRelease(layout: Layout): Message {
  return {
    type: messageTypes.clipboardRelease,
    data: Buffer.concat(selectionField(layout, clipboardSelection)),
  };
}

/** Asks for the content of the guest. */
export function clipboardRequest(layout: Layout, kind: number): Message {
  const data = Buffer.concat([...selectionField(layout, clipboardSelection), words(kind)]);
  return { type: messageTypes.clipboardRequest, data };
}

/** The fields of an answer with content; the content follows them. */
export function clipboardHead(layout: Layout, selection: number, kind: number): Buffer {
  return Buffer.concat([...selectionField(layout, selection), words(kind)]);
}

/** Asks for one display of this size, in pixels. */
export function monitorsConfig({ width, height }: { width: number; height: number }): Message {
  const [displays, usePositions, depth, x, y] = [1, 1, 32, 0, 0];
  return {
    type: messageTypes.monitorsConfig,
    data: words(displays, usePositions, height, width, depth, x, y),
  };
}

/** The numbers of a message from `at` on; bytes that are left over are ignored. */
function wordsOf(data: Buffer, at: number): number[] {
  const count = Math.max(0, Math.floor((data.length - at) / 4));
  return Array.from({ length: count }, (_, index) => data.readUInt32LE(at + 4 * index));
}

export interface Announcement {
  /** Whether the guest wants to know those of the host. */
  readonly request: boolean;
  readonly capabilities: ReadonlySet<CapabilityName>;
}

/** @returns undefined if the message is malformed, as with all functions that read one */
export function readAnnouncement(data: Buffer): Announcement | undefined {
  const [request, bits] = wordsOf(data, 0);
  if (request === undefined || bits === undefined) return undefined;
  const names = Object.entries(capabilityBits).filter(([, bit]) => ((bits >>> bit) & 1) === 1);
  return { request: request !== 0, capabilities: new Set(names.map(([name]) => name as CapabilityName)) };
}

/** The selection that a message is about, and where its other fields begin. */
function readSelection({ selection }: Layout, data: Buffer): { which: number; at: number } | undefined {
  if (!selection) return { which: clipboardSelection, at: 0 };
  const which = data[0];
  return which === undefined || data.length < 4 ? undefined : { which, at: 4 };
}

export interface Grab {
  readonly selection: number;
  readonly serial: number;
  readonly kinds: readonly number[];
}

export function readGrab(layout: Layout, data: Buffer): Grab | undefined {
  const read = readSelection(layout, data);
  if (!read) return undefined;
  const fields = wordsOf(data, read.at);
  const serial = layout.serial ? fields.shift() : 0;
  return serial === undefined ? undefined : { selection: read.which, serial, kinds: fields };
}

/** A request of the guest for the content of the host, or the head of content that the guest sends. */
export interface ContentHead {
  readonly selection: number;
  readonly kind: number;
  /** Where the content begins. */
  readonly at: number;
}

export function readContentHead(layout: Layout, data: Buffer): ContentHead | undefined {
  const read = readSelection(layout, data);
  const [kind] = read ? wordsOf(data.subarray(0, read.at + 4), read.at) : [];
  return read && kind !== undefined ? { selection: read.which, kind, at: read.at + 4 } : undefined;
}

/** The selection that the guest no longer owns. spice-vdagentd sends that single byte, without the rest of the field. */
export function readRelease(layout: Layout, data: Buffer): number {
  return layout.selection ? (data[0] ?? clipboardSelection) : clipboardSelection;
}
