import type { ServerResponse } from 'node:http';

/** Text is sent in pieces of about so many bytes: an entry of a folder alone has a few hundred. */
const pieceBytes = 32 * 1024;

/** Resolves when the guest has taken what was written, or its connection is over. */
export async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/**
 * Sends a text as it is found, so that a large folder needs little memory. Nothing is sent before the first piece is full, so that
 * what cannot be listed at all is refused.
 * @throws what `parts` throws
 */
export async function sendText(
  response: ServerResponse,
  { status, type }: { readonly status: number; readonly type: string },
  parts: AsyncIterable<string>,
): Promise<void> {
  let piece = '';
  for await (const part of parts) {
    if (response.destroyed) return;
    piece += part;
    if (piece.length < pieceBytes) continue;
    if (!response.headersSent) response.writeHead(status, { 'Content-Type': type });
    if (!response.write(piece)) await drained(response);
    piece = '';
  }
  if (!response.headersSent) response.writeHead(status, { 'Content-Type': type });
  response.end(piece);
}
