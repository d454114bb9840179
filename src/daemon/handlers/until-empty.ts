import type { Channel } from './handler.ts';

/** Bytes as they arrive from a client. An empty message ends them. */
export async function* untilEmpty(channel: Channel): AsyncGenerator<Buffer> {
  for (;;) {
    const message = await channel.next();
    if (!message || message.data.length === 0) return;
    yield message.data;
  }
}
