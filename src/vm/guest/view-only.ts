import { KameError } from '../../core/errors.ts';

/** RFB 3.8 and 3.7: the client chooses how it authenticates. In 3.3 the server does, so that the client would send a byte less. */
const versions = new Set(['RFB 003.008\n', 'RFB 003.007\n']);
/** What a client says before its messages, in bytes: its version, how it authenticates, and whether others may stay connected. */
const greeting = [12, 1, 1] as const;
/** The security type of a server that asks for no password. */
const noPassword = 1;
/** The most encodings that a client may name; noVNC names some 25. */
const maxEncodings = 256;

/** Encodings with which a client would send or get more than a picture: the clipboard, and pointers of another length. */
const withheld = new Set([0xc0a1e5ce, -316 >>> 0]);

/** Types of messages of a client: RFC 6143, and the extensions that QEMU and noVNC know. */
const type = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
  continuousUpdates: 150,
  fence: 248,
  xvp: 250,
  setDesktopSize: 251,
  qemu: 255,
} as const;

/** Messages of a fixed length, in bytes. */
const lengths: Readonly<Record<number, number>> = {
  [type.setPixelFormat]: 20,
  [type.updateRequest]: 10,
  [type.key]: 8,
  [type.pointer]: 6,
  [type.continuousUpdates]: 10,
  [type.xvp]: 4,
};
/** What only asks for pictures. */
const harmless = new Set<number>([type.setPixelFormat, type.setEncodings, type.updateRequest]);

function unknown(what: string): KameError {
  return new KameError('USAGE', `The viewer of the screen sends ${what}, which Kame does not know.`);
}

/** The length of QEMU's own messages: keys by their place, and sound. */
function qemuLength(head: Buffer): number | undefined {
  if (head.length < 2) return undefined;
  if (head[1] === 0) return 12;
  if (head[1] !== 1) throw unknown(`the message 255.${head[1]}`);
  if (head.length < 4) return undefined;
  return head.readUInt16BE(2) === 2 ? 10 : 4;
}

/** The length of the first message, in bytes; undefined if more of it is needed to tell. @throws KameError USAGE */
function lengthOf(head: Buffer): number | undefined {
  const [first = 0] = head;
  const fixed = lengths[first];
  if (fixed !== undefined) return fixed;
  const after = (bytes: number, length: () => number) => (head.length < bytes ? undefined : length());
  switch (first) {
    case type.setEncodings:
      return after(4, () => 4 + 4 * head.readUInt16BE(2));
    case type.cutText:
      // A negative length is that of the extended clipboard.
      return after(8, () => 8 + Math.abs(head.readInt32BE(4)));
    case type.fence:
      return after(9, () => 9 + head.readUInt8(8));
    case type.setDesktopSize:
      return after(8, () => 8 + 16 * head.readUInt8(6));
    case type.qemu:
      return qemuLength(head);
    default:
      throw unknown(`the message ${first}`);
  }
}

function withoutWithheld(message: Buffer): Buffer {
  const count = message.readUInt16BE(2);
  const all = Array.from({ length: count }, (_each, index) => message.readUInt32BE(4 + 4 * index));
  const kept = all.filter((encoding) => !withheld.has(encoding));
  const result = Buffer.alloc(4 + 4 * kept.length);
  result.writeUInt8(type.setEncodings, 0);
  result.writeUInt16BE(kept.length, 2);
  for (const [index, encoding] of kept.entries()) result.writeUInt32BE(encoding, 4 + 4 * index);
  return result;
}

/**
 * What a viewer sends to a VNC server, without keys, pointers, clipboard and sizes of the screen. A viewer is always one of several:
 * it cannot end the connections of others. Keeps at most one short message.
 */
export class ViewOnly {
  #rest: Buffer = Buffer.alloc(0);
  #greeted = 0;
  /** Bytes of a message that is left out, which have not come yet. */
  #skip = 0;

  /** What is passed on of the next bytes. @throws KameError USAGE for what is not known, whose end would not be known either */
  take(data: Buffer): Buffer {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const passed: Buffer[] = [];
    for (let next = this.#next(); next; next = this.#next()) passed.push(next);
    return Buffer.concat(passed);
  }

  /** What is passed on of the next message, which may be nothing; undefined if it is not complete. */
  #next(): Buffer | undefined {
    const greets = greeting[this.#greeted];
    if (greets !== undefined) return this.#greet(greets);
    if (this.#skip > 0) {
      this.#skip -= this.#cut(Math.min(this.#skip, this.#rest.length)).length;
      if (this.#skip > 0) return undefined;
    }
    if (this.#rest.length === 0) return undefined;
    const length = lengthOf(this.#rest);
    if (length === undefined) return undefined;
    const [first = 0] = this.#rest;
    if (!harmless.has(first)) {
      this.#skip = length;
      return Buffer.alloc(0);
    }
    if (length > 4 + 4 * maxEncodings) throw unknown('too many encodings');
    if (this.#rest.length < length) return undefined;
    const message = this.#cut(length);
    return first === type.setEncodings ? withoutWithheld(message) : message;
  }

  #greet(length: number): Buffer | undefined {
    if (this.#rest.length < length) return undefined;
    const part = this.#cut(length);
    const step = this.#greeted;
    this.#greeted += 1;
    if (step === 0 && !versions.has(part.toString('latin1'))) throw unknown('another version of RFB');
    if (step === 1 && part[0] !== noPassword) throw unknown('a password');
    return step === 2 ? Buffer.from([1]) : part;
  }

  #cut(length: number): Buffer {
    const part = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return part;
  }
}
