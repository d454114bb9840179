import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import { protocolError, RfbSession, type DisplaySize } from './rfb-session.ts';

/** How the server answers to a request for a size: 0 to 3 as the extension of RFB says, 4 is QEMU's for "forwarded to the guest". */
const forwarded = 4;
const noError = 0;
const setDesktopSizeMessage = 251;
/** The pseudo-encoding ExtendedDesktopSize: -308. */
const extendedDesktopSize = -308;
/** Reasons of a change of size: this client asked for it. */
const byThisClient = 1;

/** A client of the engine's VNC server for the size of the display, by the community's extension ExtendedDesktopSize of RFB. */
export class RfbClient implements Disposable {
  readonly #session: RfbSession;
  #size: DisplaySize;
  #changed = deferred();
  /** The answers to requests for a size that have not come yet. */
  #answer = deferred<number>();
  #failure: KameError | undefined;

  private constructor(session: RfbSession) {
    this.#session = session;
    this.#size = session.size;
    this.#answer.promise.catch(() => undefined);
    const extension = {
      rectangle: async (encoding: number, head: Buffer, reader: ByteReader) =>
        encoding === extendedDesktopSize && (await this.#onRectangle(head, reader)),
      message: () => Promise.resolve(false),
    };
    session.listen(extension).catch((error: unknown) => {
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
    return new RfbClient(await RfbSession.connect(path, extendedDesktopSize, signal));
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
    message.writeUInt8(setDesktopSizeMessage, 0);
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
    this.#session.send(message);
    const status = await answer.promise;
    return status === forwarded || status === noError;
  }

  /** Resolves when the size has changed, or the connection has ended. */
  async nextChange(): Promise<void> {
    if (!this.#failure) await this.#changed.promise;
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }

  async #onRectangle(head: Buffer, reader: ByteReader): Promise<true> {
    const screens = (await reader.read(4)).readUInt8(0);
    await reader.read(16 * screens);
    const [reason, status] = [head.readUInt16BE(0), head.readUInt16BE(2)];
    const size = { width: head.readUInt16BE(4), height: head.readUInt16BE(6) };
    if (reason === byThisClient) this.#answer.resolve(status);
    if (size.width !== this.#size.width || size.height !== this.#size.height) {
      this.#size = size;
      const changed = this.#changed;
      this.#changed = deferred();
      changed.resolve();
    }
    return true;
  }
}
