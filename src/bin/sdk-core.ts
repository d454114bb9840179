/** The SDK's core, which runs in a browser: `import { createClient, fetchTransport } from 'kame-vm/core'`. */

export type { ErrorCode } from '../core/error-kinds.ts';
export { KameError } from '../core/errors.ts';
export type { ProgressReport } from '../core/progress.ts';
export type { Calls } from '../api/generated/routes.ts';
export type * from '../api/generated/shapes.ts';
export { createClient, type Client } from '../client/core/client.ts';
export {
  fetchTransport,
  type FetchLike,
  type FetchTransportOptions,
  type ResponseLike,
} from '../client/core/fetch-transport.ts';
export type { CallOptions, TaskOptions } from '../client/core/options.ts';
export type { ClipboardContent, ClipboardReader, ClipboardWriter } from '../client/core/clipboard-channel.ts';
export type { FileChannels, GetStreams, PutResult, PutStreams } from '../client/core/file-channels.ts';
export type { ConsoleConnection, ExecEnd, ExecStreams } from '../client/core/guest-channels.ts';
export type { Answer, Call, Channel, Transport } from '../client/core/transport.ts';
export type { WebSocketLike } from '../client/core/web-socket.ts';
