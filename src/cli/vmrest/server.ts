import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Client } from '../../client/core/client.ts';
import { bodyOf } from './body.ts';
import { failureOf, VmrestError } from './failure.ts';
import { refusalOf } from './gate.ts';
import { handlers } from './handlers.ts';
import { mediaType, type Call, type Handler, type Operation } from './operation.ts';
import { operations } from './operations.ts';
import { find } from './router.ts';
import type { SignIn } from './sign-in.ts';
import { swaggerText } from './swagger.ts';

export interface VmrestOptions {
  readonly client: Client;
  readonly signIn: SignIn;
  /** In PEM form, for HTTPS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

const documentPath = '/json/swagger.json';
/** How long the head and the whole of a request may take to come. */
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, maxConnections: 128 } as const;

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function failed(error: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { ...failureOf(error), headers };
}

const wantsLogin = { 'www-authenticate': 'Basic realm="VMware REST API", charset="UTF-8"' };
const tooMany = new VmrestError(503, 'busy', 'Too many passwords are being checked. Try again in a second.');
const signedOut = new VmrestError(
  401,
  'notPermitted',
  'Authentication failed: the user name or the password is wrong.',
);

/** Does what a signed-in request asks for. @param signal fires when nobody waits for an answer that changes nothing */
async function perform(
  request: IncomingMessage,
  path: string,
  options: VmrestOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const destination = find(request.method ?? '', path);
  if (!destination) return failed(new VmrestError(404, 'noSuchObject', `There is nothing at ${path}.`));
  if ('methods' in destination) {
    const error = new VmrestError(405, 'unsupported', `${path} does not take ${request.method ?? ''}.`);
    return failed(error, { allow: destination.methods.join(', ') });
  }
  const operation: Operation = operations[destination.id];
  // The table of handlers has each by the types of its own operation, which the body was checked against.
  const handle = handlers[destination.id] as Handler<Operation>;
  const body = (await bodyOf(request, operation)) as Call<Operation>['body'];
  const result = await handle({ client: options.client, signal, params: destination.params, body });
  return { status: operation.status, body: result };
}

async function answerTo(
  request: IncomingMessage,
  options: VmrestOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const refusal = refusalOf(request.headers);
  if (refusal !== undefined) return failed(new VmrestError(403, 'notPermitted', refusal));
  const [path = ''] = (request.url ?? '').split('?');
  if (path === documentPath && request.method === 'GET') {
    return { status: 200, body: swaggerText(), headers: { 'content-type': 'application/json' } };
  }
  const verdict = await options.signIn.check(request.headers.authorization);
  if (verdict === 'busy') return failed(tooMany, { 'retry-after': '1' });
  if (verdict === 'refused') return failed(signedOut, wantsLogin);
  return await perform(request, path, options, signal);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, headers = {} }: Answer,
): void {
  const text = status === 204 ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    ...(status === 204 ? {} : { 'content-type': mediaType, 'content-length': Buffer.byteLength(text) }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // What has not been read of a request must not be taken for the next one.
    ...(request.complete ? {} : { connection: 'close' }),
    ...headers,
  });
  response.end(text);
}

/** An answer that nobody waits for any more ends what only reads; a change goes on, as with VMware. */
function signalFor(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (request.method === 'GET') response.once('close', () => gone.abort());
  return gone.signal;
}

/** A server of vmrest that does not listen yet. */
export function createVmrest(options: VmrestOptions): Server {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void answerTo(request, options, signalFor(request, response))
      .catch((error: unknown) => failed(error))
      .then((answer) => send(request, response, answer));
  };
  const { maxConnections, ...timeouts } = limits;
  const server = options.tls
    ? createTlsServer({ ...timeouts, ...options.tls, minVersion: 'TLSv1.2' }, listener)
    : createServer(timeouts, listener);
  server.maxConnections = maxConnections;
  return server;
}
