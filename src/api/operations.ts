import type * as z from 'zod';
import { clipboardOperations } from './clipboard-operations.ts';
import { daemonOperations } from './daemon-operations.ts';
import { diskOperations } from './disk-operations.ts';
import { fileOperations } from './file-operations.ts';
import { guestFileOperations } from './guest-file-operations.ts';
import { guestInfoOperations } from './guest-info-operations.ts';
import { guestOperations } from './guest-operations.ts';
import { guestProcessOperations } from './guest-process-operations.ts';
import { guestUserOperations } from './guest-user-operations.ts';
import { imageOperations } from './image-operations.ts';
import { machineOperations } from './machine-operations.ts';
import { networkOperations } from './network-operations.ts';
import { nicOperations } from './nic-operations.ts';
import type { OperationTable } from './operation.ts';
import { powerOperations } from './power-operations.ts';
import { shareOperations } from './share-operations.ts';
import { snapshotOperations } from './snapshot-operations.ts';
import { toolsOperations } from './tools-operations.ts';
import { uploadOperations } from './upload-operations.ts';
import { webOperations } from './web-operations.ts';

/**
 * THE LIST of all operations of the API: the source of the daemon's routes, the OpenAPI document, docs/api.md and the
 * client's routes and types (api/generated/, by `npm run generate`). The schemas are the only place for the defaults of
 * bodies and queries.
 */
export const operations = {
  ...machineOperations,
  ...powerOperations,
  ...guestOperations,
  ...toolsOperations,
  ...clipboardOperations,
  ...fileOperations,
  ...guestFileOperations,
  ...guestProcessOperations,
  ...guestInfoOperations,
  ...guestUserOperations,
  ...shareOperations,
  ...snapshotOperations,
  ...diskOperations,
  ...networkOperations,
  ...nicOperations,
  ...imageOperations,
  ...uploadOperations,
  ...daemonOperations,
  ...webOperations,
} as const satisfies OperationTable;

export type Operations = typeof operations;
export type OperationName = keyof Operations;

type Part<N extends OperationName, K extends string> =
  Operations[N] extends Readonly<Record<K, infer S extends z.ZodType>> ? S : never;
type Parsed<S extends z.ZodType> = [S] extends [never] ? undefined : z.output<S>;

/** The path parameters of an operation; undefined if it has none. */
export type Params<N extends OperationName> = Parsed<Part<N, 'params'>>;
/** The query of an operation, with its defaults filled in. */
export type Query<N extends OperationName> = Parsed<Part<N, 'query'>>;
/** The body of a request as a handler receives it, with its defaults filled in. */
export type Body<N extends OperationName> = Parsed<Part<N, 'body'>>;
/** The body of a request as a client sends it: fields with a default are optional. */
export type BodyInput<N extends OperationName> = [Part<N, 'body'>] extends [never]
  ? undefined
  : z.input<Part<N, 'body'>>;
/** The result of an operation: of a stream or a WebSocket, each line or message; bytes if there is no schema. */
export type Result<N extends OperationName> = [Part<N, 'result'>] extends [never]
  ? Uint8Array
  : z.output<Part<N, 'result'>>;
