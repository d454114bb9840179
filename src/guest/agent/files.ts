import { KameError } from '../../core/errors.ts';
import type { AgentConnection } from './connection.ts';
import { bytesOf, integerOf, objectOf } from './reply.ts';
import type { CallOptions } from './wait.ts';

/** Bytes read per call; base64 adds a third. */
const chunkBytes = 256 * 1024;

/**
 * Opens a file in the guest. Handles belong to the agent and are valid until closed or until it restarts.
 */
export async function openFile(
  connection: AgentConnection,
  path: string,
  options: CallOptions,
  mode: 'r' | 'w' = 'r',
): Promise<number> {
  return integerOf(
    await connection.call('guest-file-open', { path, mode }, options),
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
  const large = { ...options, maxBytes: 2 * chunkBytes };
  const reply = objectOf(await connection.call(command, { handle, count: chunkBytes }, large), command);
  return bytesOf(reply, 'buf-b64', command, chunkBytes);
}

async function seek(
  connection: AgentConnection,
  to: { readonly handle: number; readonly offset: number; readonly whence: 'set' | 'end' },
  options: CallOptions,
): Promise<number> {
  const command = 'guest-file-seek';
  const reply = objectOf(await connection.call(command, to, options), command);
  return integerOf(reply['position'], command, 'position');
}

/**
 * The present size of an open file, in bytes. Reading continues at `position`.
 * @returns Infinity if the agent cannot tell
 */
export async function sizeOfFile(
  connection: AgentConnection,
  handle: number,
  position: number,
  options: CallOptions,
): Promise<number> {
  try {
    const size = await seek(connection, { handle, offset: 0, whence: 'end' }, options);
    await seek(connection, { handle, offset: position, whence: 'set' }, options);
    return size;
  } catch (error) {
    if (error instanceof KameError && error.details['command'] !== undefined) return Infinity;
    throw error;
  }
}

/**
 * What follows a position in a file. If the file is shorter than that, it was made anew, and is read from its beginning.
 * @returns the size of the file and at most `most` of these bytes; undefined if the agent cannot read or measure it
 */
export async function readTail(
  connection: AgentConnection,
  path: string,
  { from, most }: { readonly from: number; readonly most: number },
  options: CallOptions,
): Promise<{ readonly size: number; readonly bytes: Buffer } | undefined> {
  let handle: number;
  try {
    handle = await openFile(connection, path, options);
  } catch (error) {
    if (error instanceof KameError && ['GUEST_FAILED', 'GUEST_AGENT_MISSING'].includes(error.code))
      return undefined;
    throw error;
  }
  try {
    const size = await sizeOfFile(connection, handle, from, options);
    if (size === Infinity) return undefined;
    const start = size < from ? await seek(connection, { handle, offset: 0, whence: 'set' }, options) : from;
    const chunks: Buffer[] = [];
    for (let left = Math.min(size - start, most); left > 0;) {
      const chunk = await readChunk(connection, handle, options);
      if (chunk.length === 0) break;
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
    }
    return { size, bytes: Buffer.concat(chunks) };
  } finally {
    // Best effort: a guest that does not respond keeps it open until its agent is started again.
    await closeFile(connection, handle, options).catch(() => undefined);
  }
}
