import type { Route } from '../../api/route.ts';
import type { Connection, RequestParts } from './connection.ts';

/** What to ask for, and until when. */
export interface Asked {
  readonly params: NonNullable<RequestParts['params']>;
  /** What is sent first. */
  readonly request: object;
  /** Asks the daemon to end: what it has until then still comes, and then the message about the end. */
  readonly signal: AbortSignal | undefined;
}

/**
 * The messages of a WebSocket over which the daemon sends something until an empty message ends it. Whoever stops reading closes it.
 * @throws KameError as `Connection.open`
 */
export async function* stoppable(
  connection: Connection,
  route: Route,
  { params, request, signal }: Asked,
): AsyncGenerator<string | Uint8Array, void> {
  const channel = await connection.open(route, { params });
  // Errors while sending also end the messages.
  const stop = () => void channel.send(new Uint8Array(0)).catch(() => undefined);
  try {
    await channel.send(JSON.stringify(request));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    yield* channel.messages;
  } finally {
    signal?.removeEventListener('abort', stop);
    channel.close();
  }
}
