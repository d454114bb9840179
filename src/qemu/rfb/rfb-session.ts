import type { Socket } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { ByteReader } from './byte-reader.ts';

/** The size of a display, in pixels. */
export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

const connectDeadlineMs = 2000;
const version = 'RFB 003.008\n';
const securityNone = 1;
const setEncodings = 2;
const serverMessages = { update: 0, colours: 1, bell: 2, cutText: 3 } as const;
const maxTextBytes = 1024 * 1024;

export function protocolError(what: string): KameError {
  return new KameError('ENGINE_FAILED', `The display of the engine does not speak RFB as expected: ${what}.`);
}

/** What an extension of RFB does with what only it understands: it reads the rest of it, and returns false if it is not its own. */
export interface RfbExtension {
  /** @param head x, y, width and height, two bytes each */
  rectangle(encoding: number, head: Buffer, reader: ByteReader): Promise<boolean>;
  message(type: number, reader: ByteReader): Promise<boolean>;
}

/**
 * A session with the engine's VNC server (RFC 6143), which others may share. It asks for no pictures, so that it costs next to
 * nothing beside a viewer.
 */
export class RfbSession implements Disposable {
  /** The size of the display at the beginning. */
  readonly size: DisplaySize;
  readonly #socket: Socket;
  readonly #reader: ByteReader;

  private constructor(socket: Socket, reader: ByteReader, size: DisplaySize) {
    this.#socket = socket;
    this.#reader = reader;
    this.size = size;
  }

  /**
   * Connects to the display. The signal ends the connection, at any time.
   * @param encoding the pseudo-encoding that announces the extension
   * @throws KameError ENGINE_TIMEOUT, ENGINE_FAILED, CANCELLED
   */
  static async connect(path: string, encoding: number, signal: AbortSignal): Promise<RfbSession> {
    const socket = await connectUnix(path, { deadlineMs: connectDeadlineMs, signal });
    if (!socket) throw protocolError('it does not listen');
    const hangUp = () => socket.destroy();
    signal.addEventListener('abort', hangUp, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', hangUp));
    if (signal.aborted) hangUp();
    const reader = new ByteReader(socket);
    try {
      const size = await handshake(socket, reader);
      const encodings = Buffer.alloc(8);
      encodings.writeUInt8(setEncodings, 0);
      encodings.writeUInt16BE(1, 2);
      encodings.writeInt32BE(encoding, 4);
      socket.write(encodings);
      return new RfbSession(socket, reader, size);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Whether the connection has ended. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  send(message: Buffer): void {
    this.#socket.write(message);
  }

  /** Reads until the end of the connection. @throws KameError ENGINE_FAILED always, and what the extension throws */
  async listen(extension: RfbExtension): Promise<never> {
    const reader = this.#reader;
    for (;;) {
      const type = (await reader.read(1)).readUInt8(0);
      if (type === serverMessages.update) await readUpdate(reader, extension);
      else if (type === serverMessages.colours) await skipColours(reader);
      else if (type === serverMessages.cutText) await skipCutText(reader);
      else if (type !== serverMessages.bell && !(await extension.message(type, reader)))
        throw protocolError(`message ${type}`);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Opens a session that others may share; the size of the display. */
async function handshake(socket: Socket, reader: ByteReader): Promise<DisplaySize> {
  const theirs = (await reader.read(version.length)).toString('latin1');
  if (!/^RFB 003\.\d{3}\n$/.test(theirs)) throw protocolError('it names no version');
  socket.write(version);
  const count = (await reader.read(1)).readUInt8(0);
  const kinds = await reader.read(count);
  if (!kinds.includes(securityNone)) throw protocolError('it asks for a password');
  socket.write(Buffer.from([securityNone]));
  if ((await reader.read(4)).readUInt32BE(0) !== 0) throw protocolError('it refuses the connection');
  const shared = Buffer.from([1]);
  socket.write(shared);
  const init = await reader.read(24);
  const nameBytes = init.readUInt32BE(20);
  if (nameBytes > maxTextBytes) throw protocolError(`a name of ${nameBytes} bytes`);
  await reader.read(nameBytes);
  return { width: init.readUInt16BE(0), height: init.readUInt16BE(2) };
}

/** Only rectangles of the extension come, since pictures were not asked for. */
async function readUpdate(reader: ByteReader, extension: RfbExtension): Promise<void> {
  const count = (await reader.read(3)).readUInt16BE(1);
  for (let index = 0; index < count; index += 1) {
    const head = await reader.read(12);
    const encoding = head.readInt32BE(8);
    if (!(await extension.rectangle(encoding, head, reader))) throw protocolError(`encoding ${encoding}`);
  }
}

async function skipColours(reader: ByteReader): Promise<void> {
  const count = (await reader.read(5)).readUInt16BE(3);
  await reader.read(6 * count);
}

async function skipCutText(reader: ByteReader): Promise<void> {
  const bytes = (await reader.read(7)).readUInt32BE(3);
  if (bytes > maxTextBytes) throw protocolError(`a text of ${bytes} bytes`);
  await reader.read(bytes);
}
