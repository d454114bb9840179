import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { localPrincipal } from '../access/principal.ts';
import type { Channel, HandlerRequest, Message, Services } from './handler.ts';
import { serveScreen } from './screen.ts';

const world = useWorld();
const { signal } = new AbortController();

/** A client that takes what it is sent only while it reads. */
class Client implements Channel {
  readonly received: Buffer[] = [];
  closedWith: string | undefined;
  reads = true;
  readonly #waiting: (() => void)[] = [];
  readonly #typed: Message[] = [];
  #wake: () => void = () => undefined;
  #over = false;
  #onClosed: () => void = () => undefined;

  get bytes(): number {
    return this.received.reduce((sum, { length }) => sum + length, 0);
  }

  type(data: Buffer): void {
    this.#typed.push({ isText: false, data });
    this.#wake();
  }

  read(): void {
    this.reads = true;
    for (const sent of this.#waiting.splice(0)) sent();
  }

  leave(): void {
    this.#over = true;
    this.#onClosed();
    this.#wake();
  }

  async next(): Promise<Message | undefined> {
    while (this.#typed.length === 0 && !this.#over)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#typed.shift();
  }

  sendBuffer(data: Uint8Array, sent: () => void): void {
    this.received.push(Buffer.from(data));
    this.#waiting.push(sent);
    if (this.reads) setImmediate(() => this.read());
  }

  onClosed(run: () => void): void {
    if (this.#over) run();
    else this.#onClosed = run;
  }

  close(reason?: string): void {
    this.closedWith = reason;
    this.leave();
  }

  send(): Promise<void> {
    throw new Error('A screen is sent in buffers.');
  }

  push(): void {
    throw new Error('A screen is sent in buffers.');
  }
}

/** A running machine whose engine is a socket of the test, and a client of its screen. */
async function openScreen() {
  world().machine();
  await world().start();
  const path = join(world().running().run.directory, 'vnc');
  rmSync(path, { force: true });
  const connected = new Promise<Socket>((resolve) => {
    const server = createServer(resolve).listen(path);
    onTestFinished(() => void server.close());
  });
  const client = new Client();
  const request = { params: { machine: 'demo' }, signal } as HandlerRequest<'machines.screen'>;
  const served = serveScreen(
    { host: world().host, principal: localPrincipal('socket') } as Services,
    request,
    client,
  );
  return { client, served, engine: await connected };
}

it('passes bytes on in both directions, as they are', async () => {
  const { client, served, engine } = await openScreen();
  const content = Buffer.from(Array.from({ length: 3_000_000 }, (_each, index) => index % 251));
  engine.write(content);
  await expect.poll(() => client.bytes).toBe(content.length);
  expect(Buffer.concat(client.received).equals(content)).toBe(true);
  client.type(Buffer.from('RFB '));
  client.type(Buffer.from('003.008\n'));
  let typed = '';
  engine.on('data', (data: Buffer) => (typed += data.toString()));
  await expect.poll(() => typed).toBe('RFB 003.008\n');
  client.leave();
  await served;
});

it('reads no further for a client that does not read, and goes on when it does', async () => {
  const { client, served, engine } = await openScreen();
  client.reads = false;
  const content = Buffer.alloc(16 * 1024 * 1024, 7);
  let isTaken = false;
  engine.write(content, () => (isTaken = true));
  await expect.poll(() => client.bytes).toBeGreaterThan(1024 * 1024);
  // What is read and unsent stays below the 8 MB that a stalled browser may cost.
  expect(client.bytes).toBeLessThan(2 * 1024 * 1024);
  expect(isTaken).toBe(false);
  client.read();
  await expect.poll(() => client.bytes).toBe(content.length);
  client.leave();
  await served;
});

it('says why it ends when the engine does', async () => {
  const { client, served, engine } = await openScreen();
  engine.destroy();
  await served;
  expect(client.closedWith).toBe('The machine has stopped.');
});

it('leaves the engine when the client does', async () => {
  const { client, served, engine } = await openScreen();
  engine.resume();
  client.leave();
  await served;
  await expect.poll(() => engine.destroyed).toBe(true);
});

it('refuses a machine that does not run', async () => {
  world().machine();
  const request = { params: { machine: 'demo' }, signal } as HandlerRequest<'machines.screen'>;
  const error = await refused(
    serveScreen(
      { host: world().host, principal: localPrincipal('socket') } as Services,
      request,
      new Client(),
    ),
  );
  expect(error.code).toBe('WRONG_STATE');
});
