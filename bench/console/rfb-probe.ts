import { deferred } from '../../src/core/deferred.ts';

const version = 'RFB 003.008\n';
const [bytesPerPixel, keyEvent] = [4, 4];

/** Takes whole things out of bytes that come in pieces. */
class Incoming {
  #parts: Buffer[] = [];
  #length = 0;
  #wake: () => void = () => undefined;

  push(part: Buffer): void {
    this.#parts.push(part);
    this.#length += part.length;
    this.#wake();
  }

  async take(bytes: number): Promise<Buffer> {
    while (this.#length < bytes) await new Promise<void>((resolve) => (this.#wake = resolve));
    const all = Buffer.concat(this.#parts);
    this.#parts = [all.subarray(bytes)];
    this.#length -= bytes;
    return all.subarray(0, bytes);
  }
}

/** A viewer of a VNC server that draws nothing: it tells when a picture has come. */
export class RfbProbe {
  readonly #incoming = new Incoming();
  readonly #send: (data: Buffer) => void;
  #picture = deferred();

  private constructor(send: (data: Buffer) => void) {
    this.#send = send;
  }

  /**
   * Connects over anything that carries bytes, and gets the first picture.
   * @param listen called with what takes the bytes of the server
   */
  static async over(
    send: (data: Buffer) => void,
    listen: (take: (data: Buffer) => void) => void,
  ): Promise<RfbProbe> {
    const probe = new RfbProbe(send);
    listen((data) => probe.#incoming.push(data));
    const size = await probe.#handshake();
    const first = probe.#picture.promise;
    probe.#request(size, false);
    void probe.#read(size);
    await first;
    return probe;
  }

  /** Resolves when the next picture is complete. */
  async nextPicture(): Promise<void> {
    await this.#picture.promise;
  }

  /** Presses a key and lets it go; a letter is its own keysym. */
  press(letter: string): void {
    for (const down of [1, 0]) {
      const message = Buffer.alloc(8);
      message.set([keyEvent, down]);
      message.writeUInt32BE(letter.charCodeAt(0), 4);
      this.#send(message);
    }
  }

  async #handshake(): Promise<Buffer> {
    await this.#incoming.take(version.length);
    this.#send(Buffer.from(version));
    const kinds = (await this.#incoming.take(1)).readUInt8(0);
    await this.#incoming.take(kinds);
    this.#send(Buffer.from([1]));
    await this.#incoming.take(4);
    this.#send(Buffer.from([1]));
    const init = await this.#incoming.take(24);
    await this.#incoming.take(init.readUInt32BE(20));
    return Buffer.from(init.subarray(0, 4));
  }

  #request(size: Buffer, incremental: boolean): void {
    this.#send(Buffer.concat([Buffer.from([3, incremental ? 1 : 0, 0, 0, 0, 0]), size]));
  }

  async #read(size: Buffer): Promise<never> {
    for (;;) {
      const head = await this.#incoming.take(4);
      // Nothing else was asked for.
      for (let left = head.readUInt16BE(2); left > 0; left -= 1) {
        const rectangle = await this.#incoming.take(12);
        await this.#incoming.take(rectangle.readUInt16BE(4) * rectangle.readUInt16BE(6) * bytesPerPixel);
      }
      const done = this.#picture;
      this.#picture = deferred();
      this.#request(size, true);
      done.resolve();
    }
  }
}
