import type { Channel } from './transport.ts';

/** Bytes of a message: the daemon takes at most 1 MiB. */
const messageBytes = 256 * 1024;

/** Small parts together: a message for each would cost more than what is in it. */
async function* inMessages(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let [waiting, used] = [new Uint8Array(messageBytes), 0];
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      if (used === 0 && part.length - at >= messageBytes) {
        yield part.subarray(at, at + messageBytes);
        at += messageBytes;
        continue;
      }
      const now = part.subarray(at, at + messageBytes - used);
      waiting.set(now, used);
      used += now.length;
      at += now.length;
      if (used < messageBytes) continue;
      yield waiting;
      [waiting, used] = [new Uint8Array(messageBytes), 0];
    }
  }
  if (used > 0) yield waiting.subarray(0, used);
}

/** Sends bytes and the empty message that ends them. When the signal fires, or they fail, the end comes early. */
export async function sendBytes(
  channel: Channel,
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    for await (const message of inMessages(parts)) {
      if (signal?.aborted) break;
      await channel.send(message);
    }
  } finally {
    await channel.send(new Uint8Array(0));
  }
}
