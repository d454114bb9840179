import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort } from './port-probe.ts';
import { sshAnswers } from './ssh-banner.ts';

const signal = new AbortController().signal;

/** Whether a server that does this is taken for one of SSH. */
async function asked(serve: (socket: Socket) => void, ms = 10_000): Promise<boolean> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await sshAnswers('127.0.0.1', (server.address() as AddressInfo).port, { ms, signal });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe('an SSH server', () => {
  it.each(['SSH-2.0-OpenSSH_9.2\r\n', 'Welcome\r\nSSH-2.0-x\r\n'])('says %j', async (text) => {
    expect(await asked((socket) => socket.write(text))).toBe(true);
  });

  it('does not close at once, as a forward without a guest, nor say something else', async () => {
    expect(await asked((socket) => socket.end())).toBe(false);
    expect(await asked((socket) => socket.end('HTTP/1.1 400\r\n'))).toBe(false);
    expect(await asked((socket) => socket.write('x'.repeat(20_000)))).toBe(false);
  });

  it('that is silent is given up, as is one that nobody runs', async () => {
    expect(await asked(() => undefined, 20)).toBe(false);
    const port = await freePort('127.0.0.1');
    expect(await sshAnswers('127.0.0.1', port, { ms: 10_000, signal })).toBe(false);
  });
});
