import type { Writable } from 'node:stream';

/** Writes bytes as they are, and resolves when they are on their way: a slow reader slows the writer down. */
export async function writeAll(stream: Writable, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) => {
    // An error is the stream's own event, which ends the program.
    stream.write(data, () => resolve());
  });
}
