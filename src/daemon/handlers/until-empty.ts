import type { Channel } from './handler.ts';

/** Bytes as they arrive from a client. An empty message ends them. */
export async function* untilEmpty(channel: Channel): AsyncGenerator<Buffer> {
  for (let chunk = await channel.next(); chunk && chunk.length > 0; chunk = await channel.next()) yield chunk;
}
