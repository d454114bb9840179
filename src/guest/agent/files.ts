import { KameError } from '../../core/errors.ts';
import type { AgentConnection } from './connection.ts';
import { bytesOf, integerOf, objectOf } from './reply.ts';
import type { CallOptions } from './wait.ts';

/** Bytes read or written by one call. base64 makes it a third more. */
const chunkBytes = 256 * 1024;

/** An open file of the guest. Handles are the agent's and live until closed or until it restarts. */
export async function openFile(
  connection: AgentConnection,
  path: string,
  mode: 'r' | 'w' | 'a',
  options: CallOptions,
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

/** The next bytes of a file, none at its present end. A file that grows can be read on after that. */
export async function readChunk(
  connection: AgentConnection,
  handle: number,
  options: CallOptions,
): Promise<Buffer> {
  const command = 'guest-file-read';
  const reply = objectOf(await connection.call(command, { handle, count: chunkBytes }, options), command);
  return bytesOf(reply, 'buf-b64', command, chunkBytes);
}

/**
 * Reads a small file of the guest.
 * @throws KameError GUEST_FAILED when it does not exist or holds more than `maxBytes`
 */
export async function readGuestFile(
  connection: AgentConnection,
  path: string,
  options: CallOptions & { maxBytes: number },
): Promise<Buffer> {
  const handle = await openFile(connection, path, 'r', options);
  try {
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const part = await readChunk(connection, handle, options);
      if (part.length === 0) return Buffer.concat(parts, length);
      parts.push(part);
      length += part.length;
      if (length > options.maxBytes) {
        throw new KameError('GUEST_FAILED', `${path} in the guest has more than ${options.maxBytes} bytes.`, {
          next: 'Copy large files by ssh or a shared folder; the guest agent is for small ones.',
        });
      }
    }
  } finally {
    await closeFile(connection, handle, {}).catch(() => undefined);
  }
}

/**
 * Writes a small file in the guest, replacing what is there.
 * @throws KameError GUEST_FAILED, GUEST_TIMEOUT, GUEST_AGENT_MISSING
 */
export async function writeGuestFile(
  connection: AgentConnection,
  path: string,
  data: Uint8Array,
  options: CallOptions,
): Promise<void> {
  const command = 'guest-file-write';
  const handle = await openFile(connection, path, 'w', options);
  try {
    let at = 0;
    while (at < data.length) {
      const part = Buffer.from(data.subarray(at, at + chunkBytes));
      const args = { handle, 'buf-b64': part.toString('base64') };
      const reply = objectOf(await connection.call(command, args, options), command);
      const count = integerOf(reply['count'], command, 'count');
      if (count < 1 || count > part.length) {
        throw new KameError('GUEST_FAILED', `The guest took ${count} of ${part.length} bytes for ${path}.`);
      }
      at += count;
    }
  } finally {
    // Closing flushes; a failure to close is a failure to write only when all went well so far.
    await closeFile(connection, handle, {});
  }
}
