import type { Writable } from 'node:stream';

/** Writes bytes unchanged and resolves when the stream has taken them, so that a slow reader slows the writer down. */
export async function writeAll(stream: Writable, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    // Errors are handled by the stream's `error` event, which ends the program.
    stream.write(data, () => resolve());
  });
}
