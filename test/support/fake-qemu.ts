import { createServer, type Server, type Socket } from 'node:net';
import { deferred } from '../../src/core/deferred.ts';

export interface FakeCommand {
  readonly execute: string;
  readonly arguments?: Record<string, unknown>;
  readonly id: string;
}

/** What a fake answers: a result, an error, or nothing at all. */
export type FakeAnswer = { return: unknown } | { error: { class: string; desc: string } } | 'silence';

export interface FakeQemuOptions {
  /** Without one, the fake greets as QEMU 7.2.22; null never greets. */
  readonly greeting?: string | null;
  /** Answers by command; anything else returns an empty object. */
  readonly answers?: Readonly<Record<string, (command: FakeCommand, fake: FakeQemu) => FakeAnswer>>;
  /** Answers every command instead of `answers`, one after the other. */
  readonly answer?: (command: FakeCommand) => FakeAnswer | Promise<FakeAnswer>;
}

const usualGreeting = JSON.stringify({
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'fake' }, capabilities: ['oob'] },
});

const usualAnswers: NonNullable<FakeQemuOptions['answers']> = {
  'query-status': () => ({ return: { status: 'running', running: true } }),
  'query-kvm': () => ({ return: { enabled: false, present: true } }),
  'query-chardev': () => ({ return: [{ label: 'qga', filename: 'unix:', 'frontend-open': false }] }),
};

/** A QMP server on a Unix socket that does what a test says. Like QEMU's, it serves one client at a time. */
export class FakeQemu implements AsyncDisposable {
  /** Every command that came, in order. */
  readonly received: FakeCommand[] = [];
  readonly #server: Server;
  readonly #options: FakeQemuOptions;
  /** The client that is served comes first; the others wait for its end. */
  readonly #sockets: Socket[] = [];
  readonly #abandoned: Socket[] = [];
  readonly #connected = deferred();
  #queue: Promise<void> = Promise.resolve();

  private constructor(options: FakeQemuOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(path: string, options: FakeQemuOptions = {}): Promise<FakeQemu> {
    const fake = new FakeQemu(options);
    await new Promise<void>((resolve, reject) => {
      fake.#server.once('error', reject);
      fake.#server.listen(path, resolve);
    });
    return fake;
  }

  /** Sends an event, or any other message, as one line. */
  send(message: object): void {
    this.sendRaw(`${JSON.stringify(message)}\r\n`);
  }

  event(name: string, data: object = {}): void {
    this.send({ event: name, data, timestamp: { seconds: 1_700_000_000, microseconds: 500_000 } });
  }

  sendRaw(bytes: string | Uint8Array): void {
    this.#sockets[0]?.write(bytes);
  }

  /** Resolves when the first client is there. */
  async connected(): Promise<void> {
    await this.#connected.promise;
  }

  /** Cuts every connection, as an engine that dies does. */
  hangUp(): void {
    for (const socket of [...this.#sockets]) socket.destroy();
  }

  /** Ends the connections of clients that were abandoned; until then they receive nothing. */
  hangUpAbandoned(): void {
    for (const socket of this.#abandoned.splice(0)) socket.destroy();
  }

  /** Leaves the present client without any answer from now on, as if that program hung; the next one is served. */
  abandonClient(): void {
    const socket = this.#sockets.shift();
    if (!socket) return;
    this.#abandoned.push(socket);
    this.#queue = Promise.resolve();
    this.#greet();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // The connections of abandoned clients would keep it from ending.
    if (this.#abandoned.length === 0) await closed;
  }

  #accept(socket: Socket): void {
    this.#sockets.push(socket);
    this.#connected.resolve();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      const at = this.#sockets.indexOf(socket);
      if (at >= 0) this.#sockets.splice(at, 1);
      if (at === 0) this.#greet();
    });
    if (this.#sockets.length === 1) this.#greet();
  }

  #greet(): void {
    const socket = this.#sockets[0];
    if (!socket) return;
    const greeting = this.#options.greeting === undefined ? usualGreeting : this.#options.greeting;
    if (greeting !== null) socket.write(`${greeting}\r\n`);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#take(JSON.parse(line) as FakeCommand, socket);
    });
  }

  #take(command: FakeCommand, socket: Socket): void {
    this.received.push(command);
    const { answer } = this.#options;
    if (!answer) {
      this.#reply(this.#usualAnswer(command), command, socket);
      return;
    }
    this.#queue = this.#queue.then(async () => this.#reply(await answer(command), command, socket));
  }

  #usualAnswer(command: FakeCommand): FakeAnswer {
    const answers = { ...usualAnswers, ...this.#options.answers };
    return answers[command.execute]?.(command, this) ?? { return: {} };
  }

  #reply(answer: FakeAnswer, { id }: FakeCommand, socket: Socket): void {
    if (answer === 'silence' || this.#sockets[0] !== socket) return;
    this.send({ ...answer, id });
  }
}
