import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { connectUnix } from './socket.ts';

const directory = useTemporaryDirectory();
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(path: string): Promise<void> {
  const server = createServer((socket) => socket.end());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

describe('connectUnix', () => {
  it('waits for a listener', async () => {
    const path = join(directory(), 's');
    const connecting = connectUnix(path, { deadlineMs: 5000 });
    await listen(path);
    const socket = await connecting;
    expect(socket?.destroyed).toBe(false);
    socket?.destroy();
  });

  it('gives up at the deadline', async () => {
    const path = join(directory(), 's');
    await expect(connectUnix(path, { deadlineMs: 20 })).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' });
  });

  it('gives up when the listener will never come', async () => {
    const path = join(directory(), 's');
    expect(await connectUnix(path, { deadlineMs: 60_000, stop: Promise.resolve() })).toBeUndefined();
    expect(
      await connectUnix(path, { deadlineMs: 60_000, stop: Promise.reject(new Error('gone')) }),
    ).toBeUndefined();
  });

  it('can be cancelled', async () => {
    const cancel = new AbortController();
    const connecting = connectUnix(join(directory(), 's'), { deadlineMs: 60_000, signal: cancel.signal });
    cancel.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('does not wait for a path that can never be a socket', async () => {
    await expect(connectUnix('/etc/passwd/s', { deadlineMs: 60_000 })).rejects.toMatchObject({
      code: 'HOST_PROBLEM',
    });
  });
});
