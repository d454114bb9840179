import { routes } from '../../api/generated/routes.ts';
import type { Connection } from './connection.ts';
import type { CallOptions } from './options.ts';
import { told } from './told.ts';

/** A connection to the screen of a machine, by the protocol RFB. */
export interface ScreenConnection {
  /** What the VNC server sends. It ends when the machine stops, or after `close`. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Sends bytes to the VNC server. Resolves when they have been sent. */
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * Connects to the screen of a machine. The signal closes the connection. What the daemon reports is thrown by `output`.
 * @throws KameError DAEMON_UNREACHABLE, CANCELLED
 */
export async function openScreen(
  connection: Connection,
  machine: string,
  options: CallOptions = {},
): Promise<ScreenConnection> {
  const channel = await connection.open(routes['machines.screen'], { params: { machine } }, options);
  async function* output(): AsyncGenerator<Uint8Array, void> {
    for await (const message of channel.messages) {
      if (typeof message !== 'string') yield message;
      else told(message);
    }
  }
  return { output: output(), write: (data) => channel.send(data), close: () => channel.close() };
}
