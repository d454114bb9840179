import type { AgentConnection } from './connection.ts';
import { bytesOf, integerOf, objectOf } from './reply.ts';
import type { CallOptions } from './wait.ts';

/** Bytes read per call; base64 adds a third. */
const chunkBytes = 256 * 1024;

/**
 * Opens a file in the guest for reading. Handles belong to the agent and are valid until closed or until it restarts.
 */
export async function openFile(
  connection: AgentConnection,
  path: string,
  options: CallOptions,
): Promise<number> {
  return integerOf(
    await connection.call('guest-file-open', { path, mode: 'r' }, options),
    'guest-file-open',
    'the handle',
  );
}

export async function closeFile(
  connection: AgentConnection,
  handle: number,
  options: CallOptions,
): Promise<void> {
  await connection.call('guest-file-close', { handle }, options);
}

/** Reads the next bytes of a file, none at its current end. If the file grows, further calls return more. */
export async function readChunk(
  connection: AgentConnection,
  handle: number,
  options: CallOptions,
): Promise<Buffer> {
  const command = 'guest-file-read';
  const reply = objectOf(await connection.call(command, { handle, count: chunkBytes }, options), command);
  return bytesOf(reply, 'buf-b64', command, chunkBytes);
}
