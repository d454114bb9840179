import { createWriteStream, createReadStream, rmSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { KameError } from '../core/errors.ts';
import { fileError } from './files.ts';
import { connectUnix } from './socket.ts';

async function listen(path: string): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  return server;
}

export interface SocketToFile extends Disposable {
  /** Resolves with the bytes written once the sender has ended; rejects with DISK_FULL or FILE_ACCESS. */
  readonly received: Promise<number>;
}

/**
 * Listens on a Unix socket for one sender and writes what it sends to a file. For a sender that may neither open our
 * files nor start programs. Disposing it stops it at any time.
 */
export async function receiveToFile(
  socketPath: string,
  file: string,
  onBytes: (done: number) => void = () => undefined,
): Promise<SocketToFile> {
  const server = await listen(socketPath);
  let sender: Socket | undefined;
  let done = 0;
  const received = new Promise<number>((resolve, reject) => {
    server.once('connection', (socket) => {
      sender = socket;
      server.close();
      socket.on('data', (chunk: Buffer) => {
        done += chunk.length;
        onBytes(done);
      });
      // Never through a link that someone put there.
      rmSync(file, { force: true });
      pipeline(
        socket,
        createWriteStream(file, { flags: 'wx', mode: 0o600, highWaterMark: 1024 * 1024 }),
      ).then(
        () => resolve(done),
        (error: unknown) => reject(fileError(error, file)),
      );
    });
  });
  // A caller that disposes early does not wait for this promise.
  received.catch(() => undefined);
  return {
    received,
    [Symbol.dispose]() {
      sender?.destroy();
      server.close();
      // Synchronously, because the next listener uses the same path.
      rmSync(socketPath, { force: true });
    },
  };
}

/**
 * Sends a file to the listener on a Unix socket, then hangs up.
 * @throws KameError FILE_ACCESS, ENGINE_TIMEOUT when nothing listens, ENGINE_FAILED when the receiver hangs up, CANCELLED
 */
export async function sendFile(
  file: string,
  socketPath: string,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { size } = await stat(file).catch((error: unknown) => Promise.reject(fileError(error, file)));
  const socket = await connectUnix(socketPath, { deadlineMs, signal });
  if (!socket) return;
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), socket, { signal });
  } catch (error) {
    // The receiver recognises the end of the data and may hang up before we have seen the end of the file.
    if (socket.bytesWritten >= size) return;
    if (signal.aborted) throw new KameError('CANCELLED', `Sending ${file} was cancelled.`, { cause: error });
    throw new KameError('ENGINE_FAILED', `The engine hung up while it was being sent ${file}.`, {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
}
