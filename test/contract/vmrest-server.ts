import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import bcrypt from 'bcryptjs';
import { afterEach, beforeEach } from 'vitest';
import { mediaType } from '../../src/cli/vmrest/operation.ts';
import { createVmrest } from '../../src/cli/vmrest/server.ts';
import { SignIn } from '../../src/cli/vmrest/sign-in.ts';
import { createNodeClient } from '../../src/client/node/client.ts';
import { daemon } from './cli-run.ts';

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body, parsed; undefined without one. */
  readonly body: unknown;
}

/** The right login. */
export const authorization = `Basic ${Buffer.from('ada:Passw0rd!').toString('base64')}`;
export const credentials = {
  username: 'ada',
  password: bcrypt.hashSync('saltPassw0rd!', 4),
  salt: 'salt',
  port: undefined,
};

let server: Server;
export const port = (): number => (server.address() as AddressInfo).port;

/** Gives each test of a file a vmrest on the fake daemon of `useDaemon`. */
export function useVmrest(): void {
  beforeEach(async () => {
    const client = createNodeClient({ env: { KAME_HOME: daemon.home } });
    server = createVmrest({ client, signIn: new SignIn(credentials) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

export interface Sent {
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks as a program that is signed in, unless the headers say otherwise. */
export async function ask(method: string, path: string, { body, headers }: Sent = {}): Promise<Answered> {
  const sent = request({
    port: port(),
    method,
    path,
    headers: { authorization, 'content-type': mediaType, ...headers },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const isJson = response.headers['content-type'] === mediaType && text !== '';
  const { statusCode: status = 0, headers: received } = response;
  return { status, headers: received, text, body: isJson ? (JSON.parse(text) as unknown) : undefined };
}
