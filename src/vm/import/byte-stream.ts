import type { Progress } from '../../core/progress.ts';
import { ImageFile } from '../../disk/format/image-file.ts';

const chunkBytes = 1024 * 1024;

/** A file or another source of bytes that is read once, from front to back. */
export interface ByteStream extends AsyncDisposable {
  /** What it is, for messages: a path or a URL without secrets. */
  readonly label: string;
  /** In bytes, if that is known. */
  readonly size: number | undefined;
  readonly chunks: AsyncIterable<Buffer>;
}

async function* chunksOf(file: ImageFile): AsyncGenerator<Buffer> {
  const read = async (offset: number) =>
    await file.readUpTo(offset, Math.min(chunkBytes, file.size - offset));
  // While one chunk is used, the next is read.
  let next = read(0);
  for (let offset = 0; offset < file.size;) {
    const chunk = await next;
    if (chunk.length === 0) return;
    offset += chunk.length;
    next = read(offset);
    next.catch(() => undefined);
    yield chunk;
  }
  await next;
}

/** Opens a regular file. @param follow false for a name that comes from a file: a link is refused. @throws KameError NO_SUCH_IMAGE, BAD_IMAGE, FILE_ACCESS */
export async function openFileStream(path: string, follow: boolean): Promise<ByteStream> {
  const file = await ImageFile.open(path, { follow });
  return {
    label: path,
    size: file.size,
    chunks: chunksOf(file),
    [Symbol.asyncDispose]: async () => await file[Symbol.asyncDispose](),
  };
}

/** The same bytes; tells how many of them have come. */
export async function* counted(
  { chunks, size }: Pick<ByteStream, 'chunks' | 'size'>,
  progress: Progress,
  stage: string,
): AsyncGenerator<Buffer> {
  let done = 0;
  for await (const chunk of chunks) {
    done += chunk.length;
    progress.report({ stage, done, ...(size === undefined ? {} : { total: size }), unit: 'bytes' });
    yield chunk;
  }
}
