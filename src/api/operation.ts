import type * as z from 'zod';
import type { Route } from './route.ts';

/** Values that show how an operation is used. They are valid: a test parses them. */
export interface OperationExample {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

interface Common extends Omit<Route, 'kind' | 'takes' | 'contentType'> {
  /** What `summary` leaves out, as whole sentences. */
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly example?: OperationExample;
}

/** Answers with one JSON value. */
interface JsonOperation extends Common {
  readonly kind: 'json';
  readonly result: z.ZodType;
}

/** Takes long: reports progress, can be cancelled, and answers with one JSON value at the end. */
interface TaskOperation extends Common {
  readonly kind: 'task';
  readonly result: z.ZodType;
  /** What the list of tasks says is being done, such as `snapshot take`. */
  readonly verb: string;
  /** The field of the body that names the machine, where the path does not. */
  readonly subject?: string;
}

/** Answers with a file. */
interface BytesOperation extends Common {
  readonly kind: 'bytes';
  readonly contentType: string;
}

/** Answers bit by bit, until either side ends it: text, or as NDJSON a `result` a line. */
interface StreamOperation extends Common {
  readonly kind: 'stream';
  readonly contentType: string;
  readonly result?: z.ZodType;
}

/** A WebSocket. `body` is the client's first message, `result` each text message of the server. */
interface WebSocketOperation extends Common {
  readonly kind: 'websocket';
  readonly result?: z.ZodType;
}

export type Operation = JsonOperation | TaskOperation | BytesOperation | StreamOperation | WebSocketOperation;

/** Operations by name: `resource.verb`. */
export type OperationTable = Readonly<Record<`${string}.${string}`, Operation>>;
