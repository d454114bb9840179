import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { ConsoleHub } from './console-hub.ts';

const directory = useTemporaryDirectory();

/** A serial port whose guest does not read. */
async function serialPort(): Promise<{ path: string; guest: Promise<Socket> }> {
  const path = join(directory(), 'serial');
  const server = createServer();
  const guest = new Promise<Socket>((resolve) => {
    server.once('connection', (socket) => resolve(socket.pause()));
  });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  onTestFinished(async () => {
    (await guest).destroy();
    server.close();
  });
  return { path, guest };
}

/** Bytes of objects that are in use. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('input for a guest that does not read', () => {
  it('is kept up to a limit, in order, and takes little memory however small its pieces are', async () => {
    const { path, guest } = await serialPort();
    const hub = new ConsoleHub(path);
    const terminal = await hub.attach();
    const before = heapInUse();
    const pieces = 1_000_000;
    for (let count = 0; count < pieces; count += 1) terminal.write(Buffer.from([count % 251]));
    // A queued write of each byte would take more than 50 MB.
    expect(heapInUse() - before).toBeLessThan(10 * 1024 * 1024);
    let text = Buffer.alloc(0);
    (await guest).on('data', (chunk: Buffer) => (text = Buffer.concat([text, chunk]))).resume();
    await expect.poll(() => text.length).toBeGreaterThanOrEqual(256 * 1024);
    expect(text.length).toBeLessThan(pieces);
    expect(text.every((byte, at) => byte === at % 251)).toBe(true);
    hub.close();
  });
});
