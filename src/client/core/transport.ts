import type { Method } from '../../api/route.ts';

/** A request to the daemon. */
export interface Call {
  readonly method: Method;
  /** The path with version and query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** Closes the connection, at any time until the reply is complete. */
  readonly signal: AbortSignal;
  /** Sends the request only to a running daemon: none is started or replaced. */
  readonly passive?: boolean;
}

/** A reply whose head has arrived. */
export interface Answer {
  readonly status: number;
  /** Empty if there is none. */
  readonly contentType: string;
  /** The body, which can be read once. An interruption is thrown. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Closes the connection without reading the rest of the body. */
  discard(): void;
}

/** An open WebSocket. */
export interface Channel {
  /**
   * Text and bytes in order, to be read once; ends when the daemon closes. A platform that can holds the daemon back while
   * messages wait.
   */
  readonly messages: AsyncIterable<string | Uint8Array>;
  /** Resolves when the message has been sent, so that a slow daemon slows the sender down. */
  send(data: string | Uint8Array): Promise<void>;
  close(): void;
}

/** How a platform reaches a daemon. */
export interface Transport {
  /**
   * Resolves when the head of the reply has arrived, whatever its status.
   * @throws KameError DAEMON_UNREACHABLE, HOST_PROBLEM; anything once the signal has fired
   */
  send(call: Call): Promise<Answer>;
  /**
   * Opens a WebSocket. The signal closes it, at any time.
   * @throws KameError DAEMON_UNREACHABLE, CANCELLED, or the error that the daemon reports
   */
  open(path: string, signal: AbortSignal): Promise<Channel>;
}
