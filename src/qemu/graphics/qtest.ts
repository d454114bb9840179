import type { Socket } from 'node:net';
import { deferred, type Deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { connectUnix } from '../../sys/socket.ts';
import { LineSplitter } from '../qmp/lines.ts';

/** A line holds at most what is read at once, as two digits for each byte. */
const maxLineBytes = 64 * 1024;
/** QEMU sends nothing unasked, except about interrupts, which nobody has asked for. */
const answered = /^(OK|FAIL)\b ?(.*)$/;

export interface QtestOptions {
  /** Milliseconds to wait for the socket. */
  readonly deadlineMs: number;
  /** Ends the connection, at any time. */
  readonly signal: AbortSignal;
}

export type Width = 'b' | 'w' | 'l' | 'q';

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/**
 * A client of QEMU's protocol for tests of devices (docs/devel/qtest.rst of QEMU), by which Kame is the processor of a machine
 * whose own never runs: it reads and writes memory, registers and I/O ports.
 */
export class QtestClient implements Disposable {
  readonly #socket: Socket;
  readonly #lines = new LineSplitter(maxLineBytes);
  readonly #waiting: Deferred<string>[] = [];
  #end: KameError | undefined;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    const hangUp = () => socket.destroy();
    signal.addEventListener('abort', hangUp, { once: true });
    if (signal.aborted) hangUp();
    socket.on('data', (data: Buffer) => this.#receive(data));
    socket.on('error', hangUp);
    socket.once('close', () => {
      signal.removeEventListener('abort', hangUp);
      this.#finish(new KameError('ENGINE_FAILED', 'QEMU ended in the middle of a test of a device.'));
    });
  }

  /** @throws KameError ENGINE_FAILED when nothing listens within the deadline, CANCELLED */
  static async connect(path: string, { deadlineMs, signal }: QtestOptions): Promise<QtestClient> {
    const socket = await connectUnix(path, { deadlineMs, signal });
    if (!socket) throw new KameError('ENGINE_FAILED', 'QEMU has no protocol for tests of devices.');
    return new QtestClient(socket, signal);
  }

  /** Reads a register of 1, 2, 4 or 8 bytes; of 8, the lower 53 bits. @throws KameError ENGINE_FAILED */
  async read(width: Width, address: number): Promise<number> {
    return Number(await this.#ask(`read${width} ${hex(address)}`));
  }

  /** @throws KameError ENGINE_FAILED */
  async write(width: Width, address: number, value: number): Promise<void> {
    await this.#ask(`write${width} ${hex(address)} ${hex(value)}`);
  }

  /** Reads an I/O port of 4 bytes; only PCs have any. @throws KameError ENGINE_FAILED */
  async readPort(port: number): Promise<number> {
    return Number(await this.#ask(`inl ${hex(port)}`));
  }

  /** @throws KameError ENGINE_FAILED */
  async writePort(port: number, value: number): Promise<void> {
    await this.#ask(`outl ${hex(port)} ${hex(value)}`);
  }

  /** @throws KameError ENGINE_FAILED */
  async readMemory(address: number, bytes: number): Promise<Buffer> {
    const data = Buffer.from((await this.#ask(`read ${hex(address)} ${hex(bytes)}`)).slice(2), 'hex');
    if (data.length !== bytes) throw new KameError('ENGINE_FAILED', 'QEMU has not read all of the memory.');
    return data;
  }

  /** @throws KameError ENGINE_FAILED */
  async writeMemory(address: number, data: Buffer): Promise<void> {
    await this.#ask(`write ${hex(address)} ${hex(data.length)} 0x${data.toString('hex')}`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #ask(line: string): Promise<string> {
    if (this.#end) throw this.#end;
    const answer = deferred<string>();
    this.#waiting.push(answer);
    this.#socket.write(`${line}\n`);
    return await answer.promise;
  }

  #receive(data: Buffer): void {
    try {
      for (const line of this.#lines.push(data)) this.#take(line);
    } catch (error) {
      this.#finish(error as KameError);
      this.#socket.destroy();
    }
  }

  #take(line: string): void {
    const [, outcome, value = ''] = answered.exec(line) ?? [];
    const answer = outcome === undefined ? undefined : this.#waiting.shift();
    if (!answer) {
      throw new KameError('ENGINE_FAILED', 'QEMU does not speak its protocol for tests as expected.');
    }
    if (outcome === 'OK') answer.resolve(value);
    else answer.reject(new KameError('ENGINE_FAILED', `QEMU has refused to test a device: ${value}`));
  }

  #finish(error: KameError): void {
    this.#end ??= error;
    for (const answer of this.#waiting.splice(0)) answer.reject(this.#end);
  }
}
