import { routes } from '../../api/generated/routes.ts';
import type {
  ClipboardMessage,
  ClipboardSet,
  ClipboardStatus,
  ErrorBody,
  GetClipboard,
  SetClipboard,
} from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { errorFromBody } from './errors.ts';
import type { CallOptions } from './options.ts';
import type { Channel } from './transport.ts';

/** The content of a guest's clipboard. */
export interface ClipboardContent {
  /** MIME type. */
  readonly contentType: string;
  readonly sizeBytes: number;
}

export interface ClipboardReader extends CallOptions {
  /** Called once, before the content. */
  readonly begin?: (content: ClipboardContent) => void;
  /** Called for each part of the content, in order, and only after the previous promise has settled. */
  readonly output: (data: Uint8Array) => Promise<void>;
}

export interface ClipboardWriter extends CallOptions {
  readonly input: AsyncIterable<Uint8Array>;
}

const inputChunk = 64 * 1024;
const what = 'The use of the clipboard';

/** The text message as JSON. @throws KameError the error that it reports */
function told(message: string): unknown {
  const value = JSON.parse(message) as { type?: unknown; error?: ErrorBody };
  if (value.type === 'error' && value.error) throw errorFromBody(value.error);
  return value;
}

function ended({ signal }: CallOptions): KameError {
  if (signal?.aborted) return new KameError('CANCELLED', `${what} was cancelled.`);
  return new KameError('DAEMON_UNREACHABLE', `The daemon ended the connection. ${what} is not complete.`);
}

/**
 * Reads the clipboard of a guest.
 * @throws KameError what the daemon reports, CANCELLED, DAEMON_UNREACHABLE, and what `output` throws
 */
export async function getClipboard(
  connection: Connection,
  machine: string,
  request: GetClipboard,
  reader: ClipboardReader,
): Promise<ClipboardContent> {
  const channel = await connection.open(routes['clipboard.get'], { params: { machine } }, reader);
  let content: ClipboardContent | undefined;
  try {
    // An error while sending also ends the messages.
    void channel.send(JSON.stringify(request)).catch(() => undefined);
    for await (const received of channel.messages) {
      if (typeof received !== 'string') {
        await reader.output(received);
        continue;
      }
      const message = told(received) as Exclude<ClipboardMessage, { type: 'error' }>;
      if (message.type === 'end' && content) return content;
      if (message.type !== 'content') break;
      content = { contentType: message.contentType, sizeBytes: message.sizeBytes };
      reader.begin?.(content);
    }
  } finally {
    channel.close();
  }
  throw ended(reader);
}

async function sendContent(
  channel: Channel,
  request: SetClipboard,
  input: AsyncIterable<Uint8Array>,
): Promise<void> {
  await channel.send(JSON.stringify(request));
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; at += inputChunk)
      await channel.send(chunk.subarray(at, at + inputChunk));
  }
  await channel.send(new Uint8Array(0));
}

/**
 * Puts content on the clipboard of a guest; its size in bytes. The input is read no further once the daemon has refused.
 * @throws KameError what the daemon reports, CANCELLED, DAEMON_UNREACHABLE, and what `input` throws
 */
export async function setClipboard(
  connection: Connection,
  machine: string,
  request: SetClipboard,
  writer: ClipboardWriter,
): Promise<number> {
  const channel = await connection.open(routes['clipboard.set'], { params: { machine } }, writer);
  let failure: unknown;
  try {
    void sendContent(channel, request, writer.input).catch((error: unknown) => {
      // The daemon waits for the rest. It has the last word if it was the one that ended the connection.
      failure = error;
      channel.close();
    });
    for await (const received of channel.messages) {
      if (typeof received !== 'string') continue;
      return (told(received) as Exclude<ClipboardSet, { type: 'error' }>).sizeBytes;
    }
  } finally {
    channel.close();
  }
  if (failure instanceof KameError) throw failure;
  throw ended(writer);
}

/**
 * What is on the clipboard of a guest: now, and after each change, until the signal or the end of the machine.
 * @throws KameError what the daemon reports, CANCELLED
 */
export async function* watchClipboard(
  connection: Connection,
  machine: string,
  options: CallOptions,
): AsyncGenerator<ClipboardStatus, void> {
  const channel = await connection.open(routes['clipboard.watch'], { params: { machine } }, options);
  try {
    for await (const received of channel.messages)
      if (typeof received === 'string') yield told(received) as ClipboardStatus;
  } finally {
    channel.close();
  }
  if (options.signal?.aborted) throw ended(options);
}
