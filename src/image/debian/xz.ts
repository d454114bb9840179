import { setImmediate } from 'node:timers/promises';
import { KameError, messageOf } from '../../core/errors.ts';

export interface XzOptions {
  /** What is decompressed, for messages. */
  readonly name: string;
  /** More output than this is refused. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** Bytes of output between two turns of the event loop, so that a daemon stays responsive meanwhile. */
const sliceBytes = 4 * 1024 * 1024;
const inputBytes = 64 * 1024;

function bad(name: string, reason: string, cause?: unknown): KameError {
  return new KameError('BAD_IMAGE', `${name} can't be decompressed: ${reason}.`, { cause });
}

/** How often the decompressor may ask for more at the end: it does so to bring out what it still holds. */
const emptyReads = 8;

/** The compressed bytes as a stream that fails, instead of just ending, when more is wanted than there is. */
function source(data: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  let empty = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (offset >= data.length && (empty += 1) > emptyReads) controller.error(new Error('it is cut off'));
        else controller.enqueue(data.subarray(offset, (offset += inputBytes)));
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Decompresses xz in WebAssembly (53 MB/s here, half of what the xz program does), so that no program is needed.
 * @throws KameError BAD_IMAGE when the data is damaged, cut off or too large, CANCELLED
 */
export async function* decompressXz(data: Uint8Array, options: XzOptions): AsyncGenerator<Uint8Array> {
  const { XzReadableStream } = await import('xz-decompress');
  const reader = new XzReadableStream(source(data)).getReader();
  let total = 0;
  let nextPause = sliceBytes;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw bad(options.name, messageOf(error), error);
      });
      if (done) return;
      total += value.length;
      if (total > options.maxBytes) throw bad(options.name, `it holds more than ${options.maxBytes} bytes`);
      if (total >= nextPause) {
        nextPause = total + sliceBytes;
        await setImmediate();
        if (options.signal?.aborted)
          throw new KameError('CANCELLED', `Decompressing ${options.name} was cancelled.`);
      }
      if (value.length > 0) yield value;
    }
  } finally {
    // The decompressor serves one stream at a time: one that is left open would block all later ones.
    await reader.cancel().catch(() => undefined);
  }
}

/** All of the output of decompressXz as one piece. */
export async function decompressXzWhole(data: Uint8Array, options: XzOptions): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompressXz(data, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
