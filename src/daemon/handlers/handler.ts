import type { Readable } from 'node:stream';
import type { Task } from '../../api/messages.ts';
import type { Body, OperationName, Operations, Params, Query, Result } from '../../api/operations.ts';
import type { ndjson } from '../../api/protocol.ts';
import type { ListenRemotely, RemoteWeb } from '../../api/web.ts';
import type { Progress } from '../../core/progress.ts';
import type { Activity } from '../../vm/activity/activity.ts';
import type { Host } from '../../vm/host/host.ts';
import type { AuditLog } from '../access/audit.ts';
import type { Principal } from '../access/principal.ts';
import type { Users } from '../access/users.ts';

/** The doors of the web desktop. */
export interface WebDoors {
  /** A new address for a browser on this host. */
  open(): Promise<{ readonly address: string; readonly until: Date }>;
  show(): { readonly local: boolean; readonly remote: RemoteWeb | null };
  /** Opens the door for other computers. */
  listen(settings: ListenRemotely): Promise<void>;
  /** Closes it. */
  off(): Promise<void>;
}

export interface DaemonFacts {
  readonly version: string;
  readonly socket: string;
  readonly startedAt: Date;
  /** Stops the daemon. Machines keep running. */
  readonly requestStop: () => void;
  readonly web: WebDoors;
  /** The users of the web desktop. */
  readonly users: Users;
  readonly audit: AuditLog;
}

/** The services that every handler can use. */
export interface Services {
  readonly host: Host;
  readonly tasks: { list(): Task[]; cancel(id: string): boolean };
  readonly daemon: DaemonFacts;
  readonly activity: Activity;
  /** Who has sent the request. It is permitted, for the machine that it names. */
  readonly principal: Principal;
}

/** A request that was validated against the schemas of its operation. */
export interface HandlerRequest<N extends OperationName> {
  readonly params: Params<N>;
  readonly query: Query<N>;
  readonly body: Body<N>;
  /** Aborts if the client disconnects before the reply is complete. */
  readonly signal: AbortSignal;
  /** Calls `run` after the reply has been sent. */
  readonly onAnswered: (run: () => void) => void;
}

/** A message of the client of a WebSocket. */
export interface Message {
  readonly isText: boolean;
  readonly data: Buffer;
}

/** The daemon's side of a WebSocket. */
export interface Channel {
  /** The next message; undefined after the client has disconnected. A client that sends faster than it is read must wait. */
  next(): Promise<Message | undefined>;
  /** Sends text or bytes. Resolves when little is left unsent, so that a slow client slows the sender down. */
  send(data: string | Buffer): Promise<void>;
  /** Sends bytes without waiting or copying: the buffer is the channel's until `sent` is called. */
  sendBuffer(data: Uint8Array, sent: () => void): void;
  /** Sends bytes without waiting. A client that does not read is disconnected. */
  push(data: Buffer): void;
  /** Calls `run` when either side closes the connection, or now if it is closed. */
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

/** Sends lines with `emit` until its result is disposed. */
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

/** The function that performs an operation. */
export type Handler<N extends OperationName> = HandlerKinds<N>[Operations[N]['kind']];

/** A handler for each of these operations and no others. */
export type Handlers<N extends OperationName = OperationName> = { readonly [K in N]: Handler<K> };
