import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { AuditEntry, ListenRemotely } from '../../src/api/web.ts';
import type { Rights } from '../../src/api/role.ts';
import { deferred } from '../../src/core/deferred.ts';
import { buildServer } from '../../src/daemon/server.ts';
import { TaskList } from '../../src/daemon/tasks.ts';
import { Doors, insideOf, type DoorsOptions } from '../../src/daemon/web-doors.ts';
import { makeCertificate } from '../../src/daemon/web/self-signed.ts';
import { freePort } from '../../src/sys/port-probe.ts';
import type { Host } from '../../src/vm/host/host.ts';
import { daemonFacts, onAll } from './daemon-facts.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

type MoreOptions = Partial<Pick<DoorsOptions, 'headersMs'>>;

/** The password of every user in these tests. */
export const password = 'correct horse battery';

/** Tests also ask for hosts that are not this one. */
const checkServerIdentity = () => undefined;

let made: Promise<string> | undefined;

/** The same certificate for all tests of a file: making one takes long. */
async function oneCertificate(): Promise<string> {
  made ??= makeCertificate(['127.0.0.1', '::1', 'localhost', 'kame.test']);
  return await made;
}

/** A daemon without a socket whose door for other computers is open at 127.0.0.1, and ways to ask it. */
export class RemoteWorld {
  readonly host: Host;
  readonly doors: Doors;
  readonly daemon: ReturnType<typeof daemonFacts>;
  readonly tasks = new TaskList();
  readonly settings: ListenRemotely;
  readonly #http: Promise<Awaited<ReturnType<typeof buildServer>>>;
  /** Handshakes are most of the work of a request. */
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 1 });
  #ca = '';

  private constructor(host: Host, port: number, more: MoreOptions) {
    this.host = host;
    const directory = join(host.names.home, 'web');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'index.html'), '<!doctype html>page');
    this.settings = { address: '127.0.0.1', port, names: ['kame.test'] };
    const facts = daemonFacts(host.names);
    let http: Awaited<ReturnType<typeof buildServer>> | undefined;
    this.doors = new Doors({
      names: host.names,
      directory,
      users: facts.users,
      audit: facts.audit,
      makeCertificate: oneCertificate,
      ...more,
      inside: () => {
        if (!http) throw new Error('The server is not made yet.');
        return insideOf(http);
      },
    });
    this.daemon = { ...facts, web: this.doors };
    this.#http = buildServer(host, this.tasks, this.daemon, pino({ level: 'silent' })).then(
      async (server) => await server.ready().then(() => (http = server)),
    );
  }

  /** @param users those who can sign in, besides `ada`, an owner */
  static async open(
    host: Host,
    users: Readonly<Record<string, Rights>> = {},
    more: MoreOptions = {},
  ): Promise<RemoteWorld> {
    const world = await RemoteWorld.closed(host, undefined, more);
    await world.daemon.users.add('ada', onAll('owner'), password);
    for (const [name, rights] of Object.entries(users)) await world.daemon.users.add(name, rights, password);
    await world.doors.listen(world.settings);
    return world;
  }

  /** One whose door nobody has opened yet. */
  static async closed(host: Host, port?: number, more: MoreOptions = {}): Promise<RemoteWorld> {
    const world = new RemoteWorld(host, port ?? (await freePort('127.0.0.1')), more);
    world.#ca = await oneCertificate();
    await world.#http;
    onTestFinished(async () => await world.close());
    return world;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.settings.port}`;
  }

  get cookieName(): string {
    return `__Host-kame-${this.settings.port}`;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.doors[Symbol.asyncDispose]();
    await (await this.#http).close();
    await this.daemon.audit.written();
  }

  async ask(path: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      const about = {
        host: '127.0.0.1',
        port: this.settings.port,
        ca: this.#ca,
        agent: this.#agent,
        checkServerIdentity,
      } as const;
      const sent = httpsRequest({ ...about, path, method, headers }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part: string) => (text += part));
        reply.once('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text }));
        reply.once('error', reject);
      });
      sent.once('error', (error) => {
        // The server may end a connection at the moment when it is used again.
        if (sent.reusedSocket)
          resolve(this.ask(path, { method, headers, ...(body === undefined ? {} : { body }) }));
        else reject(error);
      });
      sent.end(body);
    });
  }

  /** A change, as the page sends it. */
  async change(method: string, path: string, cookie: string, body?: unknown): Promise<Reply> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return await this.ask(path, {
      method,
      headers: { cookie, origin: this.origin, ...type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async signIn(
    user: string,
    word = password,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    return await this.ask('/session', {
      method: 'POST',
      headers: { origin: this.origin, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ user, password: word }),
    });
  }

  /** The cookie of a new session of a user, as a browser sends it. */
  async session(user: string): Promise<string> {
    const { status, headers, text } = await this.signIn(user);
    if (status !== 204) throw new Error(`${user} cannot sign in: ${status} ${text}`);
    return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  }

  async ticket(cookie: string, path: string): Promise<string> {
    const { text } = await this.change('POST', '/session/ticket', cookie, { path });
    return (JSON.parse(text) as { ticket?: string }).ticket ?? '';
  }

  /** Opens a WebSocket with a ticket. @returns it, or the status with which it was refused */
  async connect(cookie: string, path: string, ticket?: string): Promise<WebSocket | number> {
    const query = `ticket=${ticket ?? (await this.ticket(cookie, path))}`;
    const socket = new WebSocket(`wss://127.0.0.1:${this.settings.port}${path}?${query}`, {
      ca: this.#ca,
      origin: this.origin,
      headers: { cookie },
    });
    return await new Promise((resolve, reject) => {
      socket.once('open', () => resolve(socket));
      socket.once('unexpected-response', (request, reply) => {
        request.destroy();
        resolve(reply.statusCode ?? 0);
      });
      socket.once('error', reject);
    });
  }

  /** Reads a stream of JSON lines. `over` resolves when the connection has ended, however that came. */
  follow(cookie: string, path: string, onLine: (line: unknown) => void) {
    const [begun, over] = [deferred(), deferred()];
    const about = {
      host: '127.0.0.1',
      port: this.settings.port,
      ca: this.#ca,
      agent: false,
      checkServerIdentity,
    };
    const sent = httpsRequest({ ...about, path, headers: { cookie } }, (reply) => {
      begun.resolve();
      reply.setEncoding('utf8').on('data', (lines: string) => {
        for (const line of lines.split('\n').filter((each) => each !== '')) onLine(JSON.parse(line));
      });
      reply.on('error', () => undefined).once('close', () => over.resolve());
    });
    sent.on('error', () => over.resolve()).end();
    return { begun: begun.promise, over: over.promise, stop: () => sent.destroy() };
  }

  /** What the audit log has, without times. */
  async audit(): Promise<Omit<AuditEntry, 'at'>[]> {
    return (await this.daemon.audit.read(1000)).map(({ at: _at, ...entry }) => entry);
  }

  /** The same home after a kill: what the daemon had in its memory is gone. */
  async killed(): Promise<RemoteWorld> {
    const { webRemoteSessions: sessions } = this.host.names;
    const kept = readFileSync(sessions);
    await this.close();
    writeFileSync(sessions, kept, { mode: 0o600 });
    const next = await RemoteWorld.closed(this.host, this.settings.port);
    await next.doors.resume();
    return next;
  }
}
