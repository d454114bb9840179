import { routes } from '../../api/generated/routes.ts';
import type {
  ClipboardMessage,
  ClipboardSet,
  ClipboardStatus,
  GetClipboard,
  SetClipboard,
} from '../../api/generated/shapes.ts';
import { KameError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';
import { partsOf } from './input-parts.ts';
import type { CallOptions } from './options.ts';
import { told } from './told.ts';
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

const what = 'The use of the clipboard';

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
      const message = told<ClipboardMessage>(received);
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
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  await channel.send(JSON.stringify(request));
  for await (const part of parts) await channel.send(part);
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
  let failure: { readonly error: unknown } | undefined;
  try {
    const parts = partsOf(writer.input, (error) => (failure = { error }));
    // The daemon would wait for the rest. It has the last word if it was the one that ended the connection.
    void sendContent(channel, request, parts).catch(() => channel.close());
    for await (const received of channel.messages) {
      if (typeof received !== 'string') continue;
      return told<ClipboardSet>(received).sizeBytes;
    }
  } finally {
    channel.close();
  }
  if (failure) throw failure.error;
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
      if (typeof received === 'string') yield told<ClipboardStatus>(received);
  } finally {
    channel.close();
  }
  if (options.signal?.aborted) throw ended(options);
}
