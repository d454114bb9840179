import type { Socket } from 'node:net';
import { connectScreen } from '../../vm/guest/screen.ts';
import type { Channel, Handler } from './handler.ts';

/** Resolves when the engine has taken the bytes, or the connection has ended. */
async function write(display: Socket, data: Buffer): Promise<void> {
  await new Promise<void>((resolve) => void display.write(data, () => resolve()));
}

/** Passes on what the client sends, each message when the engine has taken the one before. */
async function fromClient(channel: Channel, display: Socket): Promise<void> {
  for (let message = await channel.next(); message; message = await channel.next())
    if (message.data.length > 0) await write(display, message.data);
}

/**
 * Passes bytes on in both directions until either side ends. Nothing is read from a side as long as the other one has a lot left
 * to take: a stalled client costs what `Channel.send` and the socket buffer.
 */
export async function relayScreen(display: Socket, channel: Channel): Promise<void> {
  display.on('error', () => display.destroy());
  channel.onClosed(() => display.destroy());
  const typing = fromClient(channel, display);
  try {
    for await (const chunk of display as AsyncIterable<Buffer>) await channel.send(chunk);
  } catch {
    // It was cut off: by the client's end above, or by that of the engine.
  }
  channel.close('The machine has stopped.');
  await typing;
}

/** Connects a client to the screen of a machine. */
export const serveScreen: Handler<'machines.screen'> = async ({ host }, { params, signal }, channel) => {
  await relayScreen(await connectScreen(host, params.machine, signal), channel);
};
