import { KameError, messageOf } from '../../core/errors.ts';
import type { Answer, Call, Channel, Transport } from './transport.ts';
import { openWebSocket, type WebSocketLike } from './web-socket.ts';

/** The part of a `Response` that is used. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableLike | null;
}

/** The part of a `ReadableStream` of bytes that is used. Not every browser can iterate over one. */
export interface ReadableLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** The part of `fetch`, in browsers and in Node, that is used. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
  },
) => Promise<ResponseLike>;

export interface FetchTransportOptions {
  /** The address of the API without `/v1`, such as `https://host:port`. */
  readonly baseUrl: string;
  /** Default: that of the platform. */
  readonly fetch?: FetchLike;
  /** Opens a WebSocket. Default: that of the platform. */
  readonly webSocket?: (url: string) => WebSocketLike;
}

interface Platform {
  readonly fetch: FetchLike;
  readonly WebSocket: new (url: string) => WebSocketLike;
}

/** Globals of browsers that this program's types lack. */
const platform = globalThis as unknown as Platform;

async function* chunksOf(reader: ReturnType<ReadableLike['getReader']>): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value) yield value;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {
  // A reply without a body has no chunks.
}

function answerOf({ status, headers, body }: ResponseLike): Answer {
  const reader = body?.getReader();
  return {
    status,
    contentType: headers.get('content-type') ?? '',
    chunks: reader ? chunksOf(reader) : nothing(),
    // An error while cancelling does not matter: the reply is discarded anyway.
    discard: () => void reader?.cancel().catch(() => undefined),
  };
}

/** A transport over `fetch` and `WebSocket`, for browsers and other platforms that have them. */
export function fetchTransport(options: FetchTransportOptions): Transport {
  const baseUrl = options.baseUrl.replace(/\/$/, '');
  const send = options.fetch ?? ((url, init) => platform.fetch(url, init));
  const connect = options.webSocket ?? ((url) => new platform.WebSocket(url));
  return {
    send: async ({ method, path, headers, body, signal }: Call): Promise<Answer> => {
      try {
        const init = { method, headers, signal, ...(body === undefined ? {} : { body }) };
        return answerOf(await send(`${baseUrl}${path}`, init));
      } catch (error) {
        const text = `Cannot reach the daemon at ${baseUrl}: ${messageOf(error)}`;
        throw new KameError('DAEMON_UNREACHABLE', text, { cause: error });
      }
    },
    open: async (path: string, signal: AbortSignal): Promise<Channel> =>
      await openWebSocket(() => connect(`${baseUrl.replace(/^http/, 'ws')}${path}`), signal),
  };
}
