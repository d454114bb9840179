import type { Readable } from 'node:stream';
import type { Task } from '../../api/messages.ts';
import type { Body, OperationName, Operations, Params, Query, Result } from '../../api/operations.ts';
import type { ndjson } from '../../api/protocol.ts';
import type { Progress } from '../../core/progress.ts';
import type { Host } from '../../vm/host/host.ts';

export interface DaemonFacts {
  readonly version: string;
  readonly socket: string;
  readonly startedAt: Date;
  /** Ends the daemon; machines keep running. */
  readonly requestStop: () => void;
}

/** What every handler may use. */
export interface Services {
  readonly host: Host;
  readonly tasks: { list(): Task[]; cancel(id: string): boolean };
  readonly daemon: DaemonFacts;
}

/** A request whose parts have been checked against the schemas of its operation. */
export interface HandlerRequest<N extends OperationName> {
  readonly params: Params<N>;
  readonly query: Query<N>;
  readonly body: Body<N>;
  /** Aborts when the client goes away before it has the whole answer. */
  readonly signal: AbortSignal;
  /** Calls `run` when the client has the whole answer. */
  readonly onAnswered: (run: () => void) => void;
}

/** The daemon's side of a WebSocket. */
export interface Channel {
  /** The next message; undefined when the client has gone. A client that sends more than is read is held back. */
  next(): Promise<Buffer | undefined>;
  /** Sends text or bytes. Resolves when little of what was sent still waits: a slow client slows the sender down. */
  send(data: string | Buffer): Promise<void>;
  /** Sends bytes without waiting. A client that does not read is cut off. */
  push(data: Buffer): void;
  /** Calls `run` when the connection is closed, by whichever side. */
  onClosed(run: () => void): void;
  /** @param reason for the client to show */
  close(reason?: string): void;
}

type Answer<T> = T | Promise<T>;

type JsonHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
) => Answer<Result<N>>;

type TaskHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
  progress: Progress,
) => Promise<Result<N>>;

type BytesHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
) => Promise<Uint8Array>;

type TextStreamHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
) => Promise<Readable>;

/** Sends lines by `emit` from its call on, until what it returns is disposed of. */
type LineStreamHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
  emit: (line: Result<N>) => void,
) => Disposable;

/** Serves a WebSocket until it returns. `body` is the client's first message. */
type WebSocketHandler<N extends OperationName> = (
  services: Services,
  request: HandlerRequest<N>,
  channel: Channel,
) => Promise<void>;

interface HandlerKinds<N extends OperationName> {
  readonly json: JsonHandler<N>;
  readonly task: TaskHandler<N>;
  readonly bytes: BytesHandler<N>;
  readonly stream: Operations[N] extends { readonly contentType: typeof ndjson }
    ? LineStreamHandler<N>
    : TextStreamHandler<N>;
  readonly websocket: WebSocketHandler<N>;
}

/** What performs an operation. */
export type Handler<N extends OperationName> = HandlerKinds<N>[Operations[N]['kind']];

/** A handler for each of these operations, and for no other. */
export type Handlers<N extends OperationName = OperationName> = { readonly [K in N]: Handler<K> };
