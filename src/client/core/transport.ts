import type { Method } from '../../api/route.ts';

/** A request on its way to the daemon. */
export interface Call {
  readonly method: Method;
  /** With its version and query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** Hangs up, at any time until the answer is whole. */
  readonly signal: AbortSignal;
  /** Only a daemon that runs is asked: none is started or replaced for it. */
  readonly passive?: boolean;
}

/** An answer whose head has come. */
export interface Answer {
  readonly status: number;
  /** Empty without one. */
  readonly contentType: string;
  /** The body, which can be read once. What breaks it off is thrown. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Hangs up: the rest of the body is not wanted. */
  discard(): void;
}

/** An open WebSocket. */
export interface Channel {
  /** Text and bytes in order, to be read once; ends when the daemon closes. Where it can be, a daemon is held back that sends more than is read. */
  readonly messages: AsyncIterable<string | Uint8Array>;
  /** Resolves when the message is on its way: a slow daemon slows the sender down. */
  send(data: string | Uint8Array): Promise<void>;
  close(): void;
}

/** How a platform reaches a daemon. */
export interface Transport {
  /**
   * Resolves when the head of the answer has come, whatever its status.
   * @throws KameError DAEMON_UNREACHABLE, HOST_PROBLEM; anything once the signal has fired
   */
  send(call: Call): Promise<Answer>;
  /**
   * Opens a WebSocket. The signal closes it, at any time.
   * @throws KameError DAEMON_UNREACHABLE, CANCELLED, or what the daemon refuses it with
   */
  open(path: string, signal: AbortSignal): Promise<Channel>;
}
