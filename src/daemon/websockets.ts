import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { maxMessageBytes } from '../api/limits.ts';
import { matchPath, type Route } from '../api/route.ts';
import { KameError, messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Principal } from './access/principal.ts';
import type { App } from './app.ts';
import type { Channel } from './handlers/handler.ts';
import { refuseRaw } from './web/refuse.ts';
import { WebSocketChannel } from './websocket-channel.ts';

/** A request that may open a WebSocket. */
export interface Permitted {
  readonly principal: Principal;
  /** The parameters of the path. */
  readonly params: unknown;
}

export interface WebSocketRequest extends Permitted {
  readonly body: unknown;
  readonly signal: AbortSignal;
}

export interface WebSocketRoute extends Pick<Route, 'path'> {
  readonly params?: z.ZodType;
  /** The schema of the client's first message. */
  readonly body?: z.ZodType;
  /** @throws KameError NOT_PERMITTED, NO_SUCH_MACHINE */
  permit(request: IncomingMessage, params: unknown): Promise<Permitted>;
  serve(request: WebSocketRequest, channel: Channel): Promise<void>;
}

interface Match {
  readonly route: WebSocketRoute;
  readonly params: unknown;
}

function findRoute(routes: readonly WebSocketRoute[], url: string): Match | undefined {
  const [path = ''] = url.split('?');
  for (const route of routes) {
    const given = matchPath(route, path);
    const params = given && (route.params ?? z.object({})).safeParse(given);
    if (params?.success) return { route, params: params.data };
  }
  return undefined;
}

/** @throws KameError USAGE if the message is malformed */
function parseFirst(schema: z.ZodType, message: Buffer): unknown {
  try {
    return schema.parse(parseJson(message.toString('utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
    throw new KameError('USAGE', `The first message is malformed: ${why}`, { cause: error });
  }
}

async function serve(route: WebSocketRoute, permitted: Permitted, socket: WebSocket): Promise<void> {
  const channel = new WebSocketChannel(socket);
  const controller = new AbortController();
  channel.onClosed(() => controller.abort());
  try {
    const first = route.body && (await channel.next());
    if (route.body && !first) return;
    const body = route.body && first && parseFirst(route.body, first.data);
    await route.serve({ ...permitted, body, signal: controller.signal }, channel);
  } catch (error) {
    channel.fail(error);
  }
}

/** Opens the WebSocket that a client asks for, or refuses the request. */
async function upgrade(
  server: WebSocketServer,
  routes: readonly WebSocketRoute[],
  request: IncomingMessage,
  raw: Duplex,
  head: Buffer,
): Promise<void> {
  const { method = '', url = '' } = request;
  const match = findRoute(routes, url);
  if (!match) {
    const words = `The API has no WebSocket at ${method} ${url}.`;
    refuseRaw(raw, 404, new KameError('USAGE', words));
    return;
  }
  const permitted = await match.route.permit(request, match.params);
  server.handleUpgrade(request, raw, head, (socket) => {
    socket.on('error', () => socket.terminate());
    void serve(match.route, permitted, socket);
  });
}

/** Serves WebSockets without compression, which costs more than it saves on a local socket. */
export function serveWebSockets({ http }: App, routes: readonly WebSocketRoute[]): void {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  server.on('wsClientError', (error, raw) => {
    refuseRaw(raw, 400, new KameError('USAGE', `The WebSocket cannot be opened: ${error.message}.`));
  });
  // Node leaves these connections to the listener: an error without one, or thrown in one, would end the daemon.
  http.server.on('upgrade', (request: IncomingMessage, raw: Duplex, head: Buffer) => {
    raw.on('error', () => raw.destroy());
    void upgrade(server, routes, request, raw, head).catch((error: unknown) => {
      if (error instanceof KameError) {
        refuseRaw(raw, error.kind.http, error);
        return;
      }
      http.log.error({ err: error }, `Upgrade of ${request.url ?? ''}`);
      refuseRaw(raw, 500, new KameError('INTERNAL', messageOf(error), { cause: error }));
    });
  });
  http.server.on('connect', (_request: IncomingMessage, raw: Duplex) => {
    refuseRaw(raw, 405, new KameError('USAGE', 'The daemon is not a proxy.'));
  });
  http.addHook('preClose', () => {
    for (const socket of server.clients) socket.terminate();
  });
}
