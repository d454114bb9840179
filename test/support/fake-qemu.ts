import { createServer, type Server, type Socket } from 'node:net';

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
}

const usualGreeting = JSON.stringify({
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: 'fake' }, capabilities: ['oob'] },
});

const usualAnswers: NonNullable<FakeQemuOptions['answers']> = {
  'query-status': () => ({ return: { status: 'running', running: true } }),
  'query-kvm': () => ({ return: { enabled: false, present: true } }),
  'query-chardev': () => ({ return: [{ label: 'qga', filename: 'unix:', 'frontend-open': false }] }),
};

/** A QMP server on a Unix socket that does what a test says. */
export class FakeQemu implements AsyncDisposable {
  /** Every command that came, in order. */
  readonly received: FakeCommand[] = [];
  readonly #server: Server;
  readonly #options: FakeQemuOptions;
  readonly #sockets = new Set<Socket>();

  private constructor(options: FakeQemuOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#serve(socket));
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
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** Cuts every connection, as an engine that dies does. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const greeting = this.#options.greeting === undefined ? usualGreeting : this.#options.greeting;
    if (greeting !== null) socket.write(`${greeting}\r\n`);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) this.#answer(JSON.parse(line) as FakeCommand);
    });
  }

  #answer(command: FakeCommand): void {
    this.received.push(command);
    const answers = { ...usualAnswers, ...this.#options.answers };
    const answer = answers[command.execute]?.(command, this) ?? { return: {} };
    if (answer !== 'silence') this.send({ ...answer, id: command.id });
  }
}
