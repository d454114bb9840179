import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import { ByteQueue } from '../../sys/byte-queue.ts';
import { cleanText, isObject } from '../agent/reply.ts';
import { within } from '../agent/wait.ts';
import type { Service } from '../tools/connection.ts';
import { violation } from '../tools/frames.ts';
import type { ToolsRequest } from '../tools/messages.ts';
import { OperationReply } from '../tools/operation-reply.ts';
import type { OutputListener, ToolsStream } from '../tools/stream.ts';
import type { GuestTools } from '../tools/tools.ts';
import type { ClipboardContent } from '../vdagent/clipboard.ts';
import type { DroppedFile } from '../vdagent/file-transfer.ts';
import { emptyClipboard, maxContentBytes, type Limits } from '../vdagent/clipboard-reads.ts';

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

interface Asked {
  readonly service: Service;
  readonly request: ToolsRequest;
  readonly listener: OutputListener;
  /** What is waited for, in messages. */
  readonly what: string;
  /** Sends what belongs to the request. */
  readonly feed?: (stream: ToolsStream) => Promise<void>;
}

/** Does one request and waits for its end. When the time is up, or the signal fires, the guest is told to give up. */
async function ask(
  tools: GuestTools,
  { service, request, listener, what, feed }: Asked,
  { deadlineMs, signal }: Limits,
): Promise<void> {
  const limits = { deadlineMs, signal };
  const stream = await tools.open(service, request, listener, limits);
  try {
    const done = async () => {
      await feed?.(stream);
      await stream.result;
    };
    const end = done();
    // Nobody waits for it when the time is up, or was before it began.
    end.catch(() => undefined);
    await within(end, {
      ms: deadlineMs,
      signal,
      what,
      onTimeout: () =>
        new KameError('GUEST_TIMEOUT', `${what} took too long: the session of the guest does not answer.`),
    });
  } catch (error) {
    void stream.cancel(error);
    throw error;
  }
}

/** Refuses content that is larger than any side keeps. */
function tooLarge(): KameError {
  const limit = formatSize(maxContentBytes);
  return new KameError('GUEST_FAILED', `The clipboard of the guest has more than ${limit}, the limit.`, {
    next: 'Copy less, or save it to a file and copy that.',
  });
}

/** @throws KameError CLIPBOARD_EMPTY when nothing comes or it has no such type any more, GUEST_*, CANCELLED */
export async function readContent(tools: GuestTools, type: string, limits: Limits): Promise<Buffer> {
  const content = new ByteQueue();
  const listener: OutputListener = async (_name, chunk) => {
    content.push(chunk);
    if (content.length > maxContentBytes) throw tooLarge();
    await Promise.resolve();
  };
  const asked: Asked = {
    service: 'clipboardRead',
    request: { type },
    listener,
    what: 'Reading the clipboard',
  };
  try {
    await ask(tools, asked, limits);
  } catch (error) {
    if (!(error instanceof KameError) || error.details['reason'] !== 'noSuchType') throw error;
    throw emptyClipboard(
      `The clipboard of the guest has no ${type}.`,
      '`kame clipboard show` lists the types that it has.',
    );
  }
  if (content.length > 0) return content.take();
  throw emptyClipboard(
    'The guest sent nothing for its clipboard.',
    'The program that had it may have ended. Copy it again.',
  );
}

/** @throws KameError GUEST_*, CANCELLED */
export async function writeContent(
  tools: GuestTools,
  { type, data }: ClipboardContent,
  limits: Limits,
): Promise<void> {
  await ask(
    tools,
    {
      service: 'clipboardWrite',
      request: { contents: [{ type, size: data.length }] },
      listener: async () => await Promise.resolve(),
      what: 'Setting the clipboard',
      feed: async (stream) => await stream.write(data),
    },
    limits,
  );
}

/** @returns where the file is in the guest @throws KameError GUEST_*, CANCELLED; what the content throws */
export async function dropFile(
  tools: GuestTools,
  { name, size, content }: DroppedFile,
  limits: Limits,
): Promise<string> {
  const reply = new OperationReply();
  let failure: { readonly error: unknown } | undefined;
  const feed = async (stream: ToolsStream) => {
    try {
      for await (const part of content) await stream.write(part);
    } catch (error) {
      failure = { error };
      throw error;
    }
    await stream.endInput();
  };
  const request = { name, size };
  try {
    await ask(
      tools,
      { service: 'drop', request, listener: reply.add, what: 'The transfer of the file', feed },
      limits,
    );
  } catch (error) {
    throw failure ? failure.error : error;
  }
  const told = reply.read();
  if (isObject(told) && typeof told['path'] === 'string') return cleanText(told['path']);
  throw violation('it does not say where the file is');
}

/** @returns the size that the desktop says it has then @throws KameError GUEST_*, CANCELLED */
export async function resize(
  tools: GuestTools,
  { width, height }: PixelSize,
  limits: Limits,
): Promise<PixelSize> {
  const reply = new OperationReply();
  const request = { width, height };
  await ask(
    tools,
    { service: 'display', request, listener: reply.add, what: 'Resizing the display' },
    limits,
  );
  const size = reply.read();
  if (isObject(size) && typeof size['width'] === 'number' && typeof size['height'] === 'number')
    return { width: size['width'], height: size['height'] };
  throw violation('it does not say which size the display has');
}
