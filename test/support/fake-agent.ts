import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a fake agent does with a command: answer with a value, refuse, write raw bytes, or stay silent. */
export type FakeReply =
  | { readonly value: unknown }
  | { readonly error: { readonly class: string; readonly desc: string } }
  | { readonly raw: string | Buffer }
  | { readonly end: string }
  | 'silence';

export type FakeHandler = (args: Record<string, unknown>, socket: Socket) => FakeReply | Promise<FakeReply>;

export interface FakeAgent extends AsyncDisposable {
  readonly path: string;
  /** Names of the commands seen, without the synchronisations. */
  readonly calls: string[];
}

async function answer(
  line: string,
  socket: Socket,
  handlers: Readonly<Record<string, FakeHandler>>,
  calls: string[],
): Promise<void> {
  const { execute, arguments: args } = JSON.parse(line) as {
    execute: string;
    arguments: Record<string, unknown>;
  };
  const handler = handlers[execute];
  if (execute === 'guest-sync-delimited') {
    if (!handler) {
      socket.write(Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return": ${String(args['id'])}}\n`)]));
      return;
    }
  } else calls.push(execute);
  const missing = { class: 'CommandNotFound', desc: `The command ${execute} has not been found` };
  const reply = handler ? await handler(args, socket) : { error: missing };
  if (reply === 'silence' || socket.destroyed) return;
  if ('raw' in reply) socket.write(reply.raw);
  else if ('end' in reply) socket.end(reply.end);
  else if ('error' in reply) socket.write(`${JSON.stringify({ error: reply.error })}\n`);
  else socket.write(`${JSON.stringify({ return: reply.value })}\n`);
}

/**
 * A guest agent for tests, on a Unix socket at `path`. It synchronises as the real one does; `handlers` says what it does
 * with everything else (a handler for guest-sync-delimited replaces the built-in one).
 */
export async function listenAsAgent(
  path: string,
  handlers: Readonly<Record<string, FakeHandler>>,
): Promise<FakeAgent> {
  const calls: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    let rest = '';
    let chain = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('latin1').replaceAll('\u00ff', '')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const text = Buffer.from(line, 'latin1').toString('utf8');
        chain = chain.then(async () => await answer(text, socket, handlers, calls));
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  return {
    path,
    calls,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A guest agent in a directory of its own. */
export async function fakeAgent(handlers: Readonly<Record<string, FakeHandler>>): Promise<FakeAgent> {
  const directory = await mkdtemp(join(tmpdir(), 'kame-qga-'));
  const agent = await listenAsAgent(join(directory, 'qga'), handlers);
  return {
    path: agent.path,
    calls: agent.calls,
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
