import { frameTypes, maxPayload } from '../../src/guest/tools/frames.ts';
import { goodHello, listenAsTools, type FakeTools, type FakeToolsPeer } from './fake-tools.ts';

export interface FakeSessionHelperOptions {
  /** Of its hello. Default: all of them. */
  readonly services?: readonly string[];
  /** What it does for a request to read the clipboard, instead of sending what is there. */
  readonly onRead?: (peer: FakeToolsPeer, stream: number) => void;
  /** Called when the host has taken so many bytes of a stream. */
  readonly onCredit?: (peer: FakeToolsPeer, stream: number, bytes: number) => void;
  /** Whether it says nothing of its clipboard. */
  readonly silent?: boolean;
  /** Whether it answers requests to change the size of the display. Default: yes. */
  readonly resizes?: boolean;
}

export const helperServices = [
  'info',
  'clipboardWatch',
  'clipboardRead',
  'clipboardWrite',
  'display',
  'drop',
];

/** kame-tools in the session of a desktop, on a Unix socket. */
export class FakeSessionHelper implements AsyncDisposable {
  readonly #options: FakeSessionHelperOptions;
  /** Streams that watch, by the connection that they are in. */
  readonly #watches = new Map<number, FakeToolsPeer>();
  readonly #writes = new Map<number, { readonly type: string; readonly size: number; data: Buffer }>();
  #tools: FakeTools | undefined;
  #content: Readonly<Record<string, Buffer | string>> = {};
  /** What the host has put on the clipboard. */
  offered: { readonly type: string; readonly data: Buffer } | undefined;
  /** The files that the host has dropped, by name. */
  readonly files = new Map<string, Buffer>();
  readonly #drops = new Map<number, { readonly name: string; readonly size: number; data: Buffer }>();
  /** The sizes that it was asked for. */
  readonly sizes: { readonly width: number; readonly height: number }[] = [];
  /** Called for each of them, before it is answered. */
  onResize: (size: { readonly width: number; readonly height: number }) => void = () => undefined;

  private constructor(options: FakeSessionHelperOptions) {
    this.#options = options;
  }

  static async listen(path: string, options: FakeSessionHelperOptions = {}): Promise<FakeSessionHelper> {
    const made = new FakeSessionHelper(options);
    const { services = helperServices } = options;
    made.#tools = await listenAsTools(path, {
      hello: {
        ...goodHello,
        services,
        clipboard: 'ext_data_control_manager_v1',
        outputs: 'zwlr_output_manager_v1',
      },
      onFrame: ({ type, stream, payload }, peer) => {
        if (type === frameTypes.request)
          made.#onRequest(JSON.parse(payload.toString('utf8')) as Record<string, unknown>, stream, peer);
        else if (type === frameTypes.credit) options.onCredit?.(peer, stream, payload.readUInt32BE(1));
        else if (type === frameTypes.data) made.#onData(stream, payload.subarray(1), peer);
      },
    });
    return made;
  }

  get connections(): number {
    return this.#tools?.connections() ?? 0;
  }

  hangUp(): void {
    this.#watches.clear();
    this.#tools?.hangUp();
  }

  /** A program of the session copies. */
  copy(content: Readonly<Record<string, Buffer | string>>): void {
    this.#content = content;
    this.say(JSON.stringify({ owner: 'guest', types: Object.keys(content) }));
  }

  /** Sends lines, which need not be a state, to all who watch. */
  say(line: string): void {
    for (const [stream, peer] of this.#watches)
      peer.send(frameTypes.data, stream, Buffer.from(`\u0001${line}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tools?.[Symbol.asyncDispose]();
  }

  #onRequest(asked: Record<string, unknown>, stream: number, peer: FakeToolsPeer): void {
    const { service } = asked;
    if (service === 'clipboardWatch') {
      this.#watches.set(stream, peer);
      if (this.#options.silent !== true) this.say(JSON.stringify({ owner: 'none', types: [] }));
    } else if (service === 'clipboardRead') {
      if (this.#options.onRead) this.#options.onRead(peer, stream);
      else this.#read(String(asked['type']), stream, peer);
    } else if (service === 'clipboardWrite') {
      const [first] = asked['contents'] as { type: string; size: number }[];
      if (first) this.#writes.set(stream, { ...first, data: Buffer.alloc(0) });
    } else if (service === 'drop') {
      this.#drops.set(stream, {
        name: String(asked['name']),
        size: Number(asked['size']),
        data: Buffer.alloc(0),
      });
      this.#endDrop(stream, peer);
    } else if (service === 'display' && this.#options.resizes !== false) {
      const size = { width: Number(asked['width']), height: Number(asked['height']) };
      this.sizes.push(size);
      this.onResize(size);
      peer.send(frameTypes.data, stream, Buffer.from(`\u0001${JSON.stringify({ result: size })}`));
      peer.send(frameTypes.done, stream, { exitCode: 0 });
    } else peer.send(frameTypes.failed, stream, { code: 'failed', message: 'it cannot' });
  }

  #endDrop(stream: number, peer: FakeToolsPeer): void {
    const file = this.#drops.get(stream);
    if (!file || file.data.length < file.size) return;
    this.files.set(file.name, file.data);
    const path = `/home/user/Downloads/${file.name}`;
    peer.send(frameTypes.data, stream, Buffer.from(`\u0001${JSON.stringify({ result: { path } })}`));
    peer.send(frameTypes.done, stream, { exitCode: 0 });
  }

  #read(type: string, stream: number, peer: FakeToolsPeer): void {
    const content = this.#content[type];
    if (content === undefined) {
      peer.send(frameTypes.failed, stream, { code: 'noSuchType', message: `the clipboard has no ${type}` });
      return;
    }
    const data = Buffer.from(content);
    for (let at = 0; at < data.length; at += maxPayload - 1)
      peer.send(
        frameTypes.data,
        stream,
        Buffer.concat([Buffer.of(1), data.subarray(at, at + maxPayload - 1)]),
      );
    peer.send(frameTypes.done, stream, { exitCode: 0 });
  }

  #onData(stream: number, data: Buffer, peer: FakeToolsPeer): void {
    const write = this.#writes.get(stream) ?? this.#drops.get(stream);
    if (!write) return;
    write.data = Buffer.concat([write.data, data]);
    const credit = Buffer.alloc(5);
    credit.writeUInt32BE(data.length, 1);
    peer.send(frameTypes.credit, stream, credit);
    if (write.data.length < write.size) return;
    if (!('type' in write)) {
      this.#endDrop(stream, peer);
      return;
    }
    this.#writes.delete(stream);
    this.offered = { type: write.type, data: write.data };
    this.say(JSON.stringify({ owner: 'host', types: [write.type] }));
    peer.send(frameTypes.done, stream, { exitCode: 0 });
  }
}
