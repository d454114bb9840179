import { KameError, messageOf } from '../../core/errors.ts';
import type { Answer, Call, Channel, Transport } from './transport.ts';
import { openWebSocket, type WebSocketLike } from './web-socket.ts';

/** What of a `Response` is read. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableLike | null;
}

/** What of a `ReadableStream` of bytes is used. Not every browser can iterate over one. */
export interface ReadableLike {
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** The `fetch` of browsers and of Node, as far as it is used. */
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
  /** Where the API is, without `/v1`, such as `https://host:port`. */
  readonly baseUrl: string;
  /** By default the platform's. */
  readonly fetch?: FetchLike;
  /** Opens a WebSocket; by default the platform's. */
  readonly webSocket?: (url: string) => WebSocketLike;
}

interface Platform {
  readonly fetch: FetchLike;
  readonly WebSocket: new (url: string) => WebSocketLike;
}

/** What browsers have, and this program's types of globals don't. */
const platform = globalThis as unknown as Platform;

async function* chunksOf(reader: ReturnType<ReadableLike['getReader']>): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value) yield value;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void> {
  // An answer without a body has no chunks.
}

function answerOf({ status, headers, body }: ResponseLike): Answer {
  const reader = body?.getReader();
  return {
    status,
    contentType: headers.get('content-type') ?? '',
    chunks: reader ? chunksOf(reader) : nothing(),
    // It is over either way: what canceling says is of no interest.
    discard: () => void reader?.cancel().catch(() => undefined),
  };
}

/** Reaches the API by `fetch` and `WebSocket`: in a browser, and wherever these are. */
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
        const text = `The daemon at ${baseUrl} can't be reached: ${messageOf(error)}`;
        throw new KameError('DAEMON_UNREACHABLE', text, { cause: error });
      }
    },
    open: async (path: string, signal: AbortSignal): Promise<Channel> =>
      await openWebSocket(() => connect(`${baseUrl.replace(/^http/, 'ws')}${path}`), signal),
  };
}
