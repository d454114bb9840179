import { KameError } from '../../core/errors.ts';
import type { AgentConnection } from './connection.ts';
import { closeFile, openFile, readChunk, sizeOfFile } from './files.ts';
import { integerOf, objectOf } from './reply.ts';
import type { CallOptions } from './wait.ts';

// Whole files through the guest agent, as base64 in its messages: slow, but it needs no program in the guest.

/** Bytes written per call; base64 adds a third. */
const pieceBytes = 192 * 1024;

async function writePiece(
  connection: AgentConnection,
  handle: number,
  piece: Buffer,
  options: CallOptions,
): Promise<void> {
  const command = 'guest-file-write';
  const args = { handle, 'buf-b64': piece.toString('base64') };
  const reply = objectOf(await connection.call(command, args, options), command);
  const count = integerOf(reply['count'], command, 'count');
  if (count !== piece.length)
    throw new KameError('GUEST_FAILED', `The guest agent wrote ${count} of ${piece.length} bytes.`, {
      next: 'Is the disk of the guest full?',
    });
}

/**
 * Writes a file of the guest, which is made, or replaced in its place.
 * @param options of each call
 * @throws KameError GUEST_AGENT_MISSING, GUEST_FAILED, GUEST_TIMEOUT, CANCELLED; what `chunks` throws. A part may be written then
 */
export async function writeContent(
  connection: AgentConnection,
  path: string,
  chunks: AsyncIterable<Buffer>,
  options: CallOptions,
): Promise<void> {
  const handle = await openFile(connection, path, options, 'w');
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += pieceBytes)
        await writePiece(connection, handle, chunk.subarray(at, at + pieceBytes), options);
    }
    // The agent buffers: only now it is known whether all of it is there.
    await connection.call('guest-file-flush', { handle }, options);
  } finally {
    // Best effort, and without the signal: a guest that does not respond keeps it open until its agent is started again.
    await closeFile(connection, handle, { deadlineMs: 5000 }).catch(() => undefined);
  }
}

/**
 * Reads a file of the guest, as long as it is when this begins.
 * @param take gets the size, and then the content in parts
 * @throws KameError GUEST_AGENT_MISSING, GUEST_FAILED also when the agent cannot tell the size or the file became shorter, GUEST_TIMEOUT, CANCELLED
 */
export async function readContent(
  connection: AgentConnection,
  path: string,
  { begin, take }: { begin: (size: number) => Promise<void>; take: (part: Buffer) => Promise<void> },
  options: CallOptions,
): Promise<void> {
  const handle = await openFile(connection, path, options);
  try {
    const size = await sizeOfFile(connection, handle, 0, options);
    if (!Number.isSafeInteger(size) || size < 0)
      throw new KameError('GUEST_FAILED', `The guest agent does not tell the size of ${path}.`);
    await begin(size);
    for (let left = size; left > 0;) {
      const part = (await readChunk(connection, handle, options)).subarray(0, left);
      if (part.length === 0)
        throw new KameError('GUEST_FAILED', `${path} became shorter while it was copied.`, {
          next: 'Copy it again when nothing writes to it.',
        });
      await take(part);
      left -= part.length;
    }
  } finally {
    await closeFile(connection, handle, { deadlineMs: 5000 }).catch(() => undefined);
  }
}
