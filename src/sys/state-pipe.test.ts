import { pbkdf2 } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { connectUnix } from './socket.ts';
import { receiveToFile, sendFile } from './state-pipe.ts';

const directory = useTemporaryDirectory();
const state = Buffer.alloc(300_000, 'state');

/** Listens as an engine does; `onData` receives the number of bytes so far. */
async function engine(path: string, onData: (socket: Socket, received: number) => void): Promise<Server> {
  const server = createServer((socket) => {
    let received = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => onData(socket, (received += chunk.length)));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** Keeps the threads that read files busy, so that the end of a file is seen late. */
async function busy(): Promise<void> {
  const work = async () =>
    await new Promise<void>((resolve) => pbkdf2('a', 'b', 1000, 64, 'sha512', () => resolve()));
  await Promise.all(Array.from({ length: 8 }, work));
}

describe('sendFile', () => {
  const { signal } = new AbortController();

  it('succeeds when the engine has everything and hangs up before the end of the file is seen', async () => {
    const [file, path] = [join(directory(), 'state'), join(directory(), 's')];
    await writeFile(file, state);
    const server = await engine(path, (socket, received) => {
      if (received === state.length) socket.destroy();
    });
    for (let round = 0; round < 50; round += 1) {
      await Promise.all([
        expect(sendFile(file, path, { deadlineMs: 1000, signal })).resolves.toBe(undefined),
        busy(),
      ]);
    }
    server.close();
  });

  it('reports that the engine hung up in the middle', async () => {
    const [file, path] = [join(directory(), 'state'), join(directory(), 's')];
    await writeFile(file, Buffer.alloc(8_000_000));
    const server = await engine(path, (socket) => socket.destroy());
    await expect(sendFile(file, path, { deadlineMs: 1000, signal })).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: `The engine hung up while it was being sent ${file}.`,
    });
    server.close();
  });

  it('reports a file that does not exist, and a socket without a listener', async () => {
    const [file, path] = [join(directory(), 'state'), join(directory(), 's')];
    await expect(sendFile(file, path, { deadlineMs: 20, signal })).rejects.toMatchObject({
      code: 'FILE_ACCESS',
    });
    await writeFile(file, state);
    await expect(sendFile(file, path, { deadlineMs: 20, signal })).rejects.toMatchObject({
      code: 'ENGINE_TIMEOUT',
    });
  });
});

describe('receiveToFile', () => {
  it('writes what one sender sends, and counts it', async () => {
    const [file, path] = [join(directory(), 'state'), join(directory(), 's')];
    let told = 0;
    using pipe = await receiveToFile(path, file, (done) => (told = done));
    const socket = await connectUnix(path, { deadlineMs: 1000 });
    socket?.end(state);
    expect(await pipe.received).toBe(state.length);
    expect(told).toBe(state.length);
    expect(state.equals(await readFile(file))).toBe(true);
  });

  it('reports a file that cannot be written', async () => {
    const path = join(directory(), 's');
    using pipe = await receiveToFile(path, join(directory(), 'none', 'state'));
    const socket = await connectUnix(path, { deadlineMs: 1000 });
    socket?.on('error', () => undefined);
    socket?.end(state);
    await expect(pipe.received).rejects.toMatchObject({ code: 'FILE_ACCESS' });
  });
});
