import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import {
  channels,
  frameTypes,
  maxPayload,
  violation,
  windowBytes,
  type Frame,
  type FrameType,
} from './frames.ts';
import { readFailure, readResult, type TerminalSize, type ToolsResult } from './messages.ts';
import { OutputQueue, type OutputName } from './output-queue.ts';

/** Sends a frame of one stream. Resolves when little is left unsent. */
export type SendFrame = (type: FrameType, payload: Buffer) => Promise<void>;

export type OutputListener = (stream: OutputName, chunk: Buffer) => Promise<void>;

/** A payload of a channel leaves one byte for its number. */
const maxData = maxPayload - 1;
const creditBytes = 5;
const outputNames = { [channels.stdout]: 'stdout', [channels.stderr]: 'stderr' } as const;
const outputChannels = { stdout: channels.stdout, stderr: channels.stderr } as const;

/** A command that runs in the guest. Neither side sends more of a channel than the other has granted. */
export class ToolsStream {
  /** How the command ended, after all of its output was taken. */
  readonly result: Promise<ToolsResult>;
  readonly #send: SendFrame;
  readonly #output: OutputQueue;
  readonly #end = deferred<ToolsResult>();
  /** Resolves when the guest has begun to run the command. */
  readonly started: Promise<void>;
  readonly #start = deferred();
  #room = windowBytes;
  #inputUnwanted = false;
  #over = false;
  #wake: () => void = () => undefined;
  /** Bytes that the guest may still send, by channel. */
  readonly #granted = { stdout: windowBytes, stderr: windowBytes };

  constructor(send: SendFrame, listener: OutputListener) {
    this.#send = send;
    this.result = this.#end.promise;
    this.started = this.#start.promise;
    for (const promise of [this.result, this.started]) promise.catch(() => undefined);
    this.#output = new OutputQueue(async (name, chunk) => {
      await listener(name, chunk);
      if (!this.#over) await this.#grant(name, chunk.length);
    });
    this.#output.ended.catch((error: unknown) => void this.cancel(error));
  }

  /** Whether the guest takes more standard input: false after its end, or when the command has closed it. */
  get takesInput(): boolean {
    return !this.#over && !this.#inputUnwanted;
  }

  /** Sends standard input, as far as the guest takes it. Resolves when all of it is on its way. */
  async write(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length && this.takesInput;) {
      if (this.#room === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const chunk = data.subarray(at, at + Math.min(this.#room, maxData));
      at += chunk.length;
      this.#room -= chunk.length;
      await this.#send(frameTypes.data, Buffer.concat([Buffer.of(channels.stdin), chunk]));
    }
  }

  /** Ends standard input. */
  async endInput(): Promise<void> {
    if (this.takesInput) await this.#send(frameTypes.end, Buffer.of(channels.stdin));
  }

  /** Sends a signal to the command and its children. */
  async signal(number: number): Promise<void> {
    if (!this.#over) await this.#send(frameTypes.signal, Buffer.of(number));
  }

  async resize({ rows, columns }: TerminalSize): Promise<void> {
    const size = Buffer.alloc(4);
    size.writeUInt16BE(rows, 0);
    size.writeUInt16BE(columns, 2);
    if (!this.#over) await this.#send(frameTypes.resize, size);
  }

  /** Ends the command, and this stream with an error. */
  async cancel(error: unknown): Promise<void> {
    if (this.#over) return;
    this.fail(error);
    await this.#send(frameTypes.close, Buffer.alloc(0));
  }

  /** Ends this stream with an error. */
  fail(error: unknown): void {
    this.#over = true;
    this.#output.close();
    this.#start.reject(error);
    this.#end.reject(error);
    this.#wake();
  }

  /**
   * Takes a frame of the guest.
   * @returns whether it was the last one
   * @throws KameError GUEST_FAILED when it is against the protocol
   */
  take({ type, payload }: Frame): boolean {
    if (type === frameTypes.started) this.#start.resolve();
    else if (type === frameTypes.data) this.#takeOutput(payload);
    else if (type === frameTypes.credit) this.#takeCredit(payload);
    else if (type === frameTypes.end) this.#takeEnd(payload);
    else if (type === frameTypes.done) this.#finish(readResult(payload));
    else if (type === frameTypes.failed) this.#refuse(payload);
    else throw violation(`it sent a frame of type ${type}, which only hosts send`);
    return type === frameTypes.done || type === frameTypes.failed;
  }

  #takeOutput(payload: Buffer): void {
    const [channel = -1] = payload;
    const size = payload.length - 1;
    if (channel !== channels.stdout && channel !== channels.stderr) throw violation('output has no channel');
    const name = outputNames[channel];
    if (size < 1 || size > this.#granted[name]) throw violation('it sent more output than there is room for');
    this.#granted[name] -= size;
    // Frames share the memory in which they came.
    if (!this.#over) this.#output.push(name, Buffer.from(payload.subarray(1)));
  }

  #takeCredit(payload: Buffer): void {
    const more =
      payload.length === creditBytes && payload[0] === channels.stdin ? payload.readUInt32BE(1) : 0;
    if (more === 0 || this.#room + more > windowBytes) throw violation('it grants what it has not taken');
    this.#room += more;
    this.#wake();
  }

  #takeEnd(payload: Buffer): void {
    if (payload.length !== 1) throw violation('the end of a channel has no channel');
    if (payload[0] === channels.stdin) this.#inputUnwanted = true;
    this.#wake();
  }

  #finish(result: ToolsResult): void {
    if (this.#over) return;
    // Input that still waits for room is not wanted any more, but the output is.
    this.#inputUnwanted = true;
    this.#wake();
    this.#start.resolve();
    this.#output.end();
    void this.#output.ended.then(
      () => {
        this.#over = true;
        this.#end.resolve(result);
      },
      () => undefined,
    );
  }

  #refuse(payload: Buffer): void {
    const { code, message } = readFailure(payload);
    const next = 'Repair what the message names, and run the command again.';
    const words = `kame-tools in the guest did not run the command: ${message}.`;
    this.fail(new KameError('GUEST_FAILED', words, { next, details: { reason: code } }));
  }

  async #grant(name: OutputName, bytes: number): Promise<void> {
    const credit = Buffer.alloc(creditBytes);
    credit.writeUInt8(outputChannels[name], 0);
    credit.writeUInt32BE(bytes, 1);
    this.#granted[name] += bytes;
    await this.#send(frameTypes.credit, credit);
  }
}
