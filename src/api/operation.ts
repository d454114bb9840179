import type * as z from 'zod';
import type { Route } from './route.ts';

/** Example values of an operation. A test checks that they are valid. */
export interface OperationExample {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

interface Common extends Omit<Route, 'kind' | 'takes' | 'contentType'> {
  /** Details that `summary` leaves out, as whole sentences. */
  readonly description?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly example?: OperationExample;
}

/** Returns one JSON value. */
interface JsonOperation extends Common {
  readonly kind: 'json';
  readonly result: z.ZodType;
}

/** A long operation: reports progress, can be cancelled, and returns one JSON value at the end. */
interface TaskOperation extends Common {
  readonly kind: 'task';
  readonly result: z.ZodType;
  /** The verb in the list of tasks, such as `snapshot take`. */
  readonly verb: string;
  /** The field of the body that names the machine, if the path does not. */
  readonly subject?: string;
}

/** Returns a file. */
interface BytesOperation extends Common {
  readonly kind: 'bytes';
  readonly contentType: string;
}

/** Returns a stream until either side ends it: text, or NDJSON with a `result` per line. */
interface StreamOperation extends Common {
  readonly kind: 'stream';
  readonly contentType: string;
  readonly result?: z.ZodType;
}

/**
 * A WebSocket. `body` is the client's first message, `control` each text message that it sends later; `result` is each text
 * message of the server.
 */
interface WebSocketOperation extends Common {
  readonly kind: 'websocket';
  readonly control?: z.ZodType;
  readonly result?: z.ZodType;
}

export type Operation = JsonOperation | TaskOperation | BytesOperation | StreamOperation | WebSocketOperation;

/** Operations by name: `resource.verb`. */
export type OperationTable = Readonly<Record<`${string}.${string}`, Operation>>;
