import type { Socket } from 'node:net';
import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { ByteReader } from './byte-reader.ts';

/** The size of a display, in pixels. */
export interface DisplaySize {
  readonly width: number;
  readonly height: number;
}

/** How the server answers to a request for a size: 0 to 3 as the extension of RFB says, 4 is QEMU's for "forwarded to the guest". */
const forwarded = 4;
const noError = 0;

const connectDeadlineMs = 2000;
const version = 'RFB 003.008\n';
const securityNone = 1;
const clientMessages = { setEncodings: 2, setDesktopSize: 251 } as const;
const serverMessages = { update: 0, colours: 1, bell: 2, cutText: 3 } as const;
/** The pseudo-encoding ExtendedDesktopSize: -308. */
const extendedDesktopSize = -308;
/** Reasons of a change of size: this client asked for it. */
const byThisClient = 1;
const maxTextBytes = 1024 * 1024;

function protocolError(what: string): KameError {
  return new KameError('ENGINE_FAILED', `The display of the engine does not speak RFB as expected: ${what}.`);
}

/**
 * A client of the engine's VNC server (RFC 6143, and the community's extension ExtendedDesktopSize) for the size of the
 * display. It asks for no pictures, so that it costs next to nothing beside a viewer.
 */
export class RfbClient implements Disposable {
  readonly #socket: Socket;
  readonly #reader: ByteReader;
  #size: DisplaySize;
  #changed = deferred();
  /** The answers to requests for a size that have not come yet. */
  #answer = deferred<number>();
  #failure: KameError | undefined;

  private constructor(socket: Socket, reader: ByteReader, size: DisplaySize) {
    this.#socket = socket;
    this.#reader = reader;
    this.#size = size;
    this.#answer.promise.catch(() => undefined);
    this.#listen().catch((error: unknown) => {
      this.#failure = error instanceof KameError ? error : protocolError(String(error));
      this.#answer.reject(this.#failure);
      this.#changed.resolve();
    });
  }

  /**
   * Connects to the display. The signal ends the connection, at any time.
   * @throws KameError ENGINE_TIMEOUT, ENGINE_FAILED, CANCELLED
   */
  static async connect(path: string, signal: AbortSignal): Promise<RfbClient> {
    const socket = await connectUnix(path, { deadlineMs: connectDeadlineMs, signal });
    if (!socket) throw protocolError('it does not listen');
    const hangUp = () => socket.destroy();
    signal.addEventListener('abort', hangUp, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', hangUp));
    if (signal.aborted) hangUp();
    const reader = new ByteReader(socket);
    try {
      return new RfbClient(socket, reader, await handshake(socket, reader));
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** The size that the display has at present. @throws KameError ENGINE_FAILED when the connection has ended */
  get size(): DisplaySize {
    if (this.#failure) throw this.#failure;
    return this.#size;
  }

  /**
   * Asks the guest for another size of its display. Whether it follows is to be seen.
   * @returns whether the graphics adapter has passed the request on
   * @throws KameError ENGINE_FAILED
   */
  async setDesktopSize({ width, height }: DisplaySize): Promise<boolean> {
    const message = Buffer.alloc(24);
    message.writeUInt8(clientMessages.setDesktopSize, 0);
    message.writeUInt16BE(width, 2);
    message.writeUInt16BE(height, 4);
    // One screen, number 0, which covers everything.
    message.writeUInt8(1, 6);
    message.writeUInt16BE(width, 16);
    message.writeUInt16BE(height, 18);
    if (this.#failure) throw this.#failure;
    const answer = deferred<number>();
    answer.promise.catch(() => undefined);
    this.#answer = answer;
    this.#socket.write(message);
    const status = await answer.promise;
    return status === forwarded || status === noError;
  }

  /** Resolves when the size has changed, or the connection has ended. */
  async nextChange(): Promise<void> {
    if (!this.#failure) await this.#changed.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #listen(): Promise<void> {
    for (;;) {
      const [type] = await this.#reader.read(1);
      if (type === serverMessages.update) await this.#onUpdate();
      else if (type === serverMessages.colours) await this.#onColours();
      else if (type === serverMessages.cutText) await this.#onCutText();
      else if (type !== serverMessages.bell) throw protocolError(`message ${type}`);
    }
  }

  async #onUpdate(): Promise<void> {
    const count = (await this.#reader.read(3)).readUInt16BE(1);
    for (let index = 0; index < count; index += 1) await this.#onRectangle(await this.#reader.read(12));
  }

  /** No other rectangles come, since neither pictures nor other extensions were asked for. */
  async #onRectangle(head: Buffer): Promise<void> {
    const encoding = head.readInt32BE(8);
    if (encoding !== extendedDesktopSize) throw protocolError(`encoding ${encoding}`);
    const screens = (await this.#reader.read(4)).readUInt8(0);
    await this.#reader.read(16 * screens);
    const [reason, status] = [head.readUInt16BE(0), head.readUInt16BE(2)];
    const size = { width: head.readUInt16BE(4), height: head.readUInt16BE(6) };
    if (reason === byThisClient) this.#answer.resolve(status);
    if (size.width === this.#size.width && size.height === this.#size.height) return;
    this.#size = size;
    const changed = this.#changed;
    this.#changed = deferred();
    changed.resolve();
  }

  async #onColours(): Promise<void> {
    const count = (await this.#reader.read(5)).readUInt16BE(3);
    await this.#reader.read(6 * count);
  }

  async #onCutText(): Promise<void> {
    const bytes = (await this.#reader.read(7)).readUInt32BE(3);
    if (bytes > maxTextBytes) throw protocolError(`a text of ${bytes} bytes`);
    await this.#reader.read(bytes);
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
  const encodings = Buffer.alloc(8);
  encodings.writeUInt8(clientMessages.setEncodings, 0);
  encodings.writeUInt16BE(1, 2);
  encodings.writeInt32BE(extendedDesktopSize, 4);
  socket.write(encodings);
  return { width: init.readUInt16BE(0), height: init.readUInt16BE(2) };
}
