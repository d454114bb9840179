import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { SwitchClient } from './switch-client.ts';
import type { SwitchRequest } from './switch-config.ts';

const temporary = useTemporaryDirectory();
const status = { uplinkConnected: false, ports: [], leases: [] };
const limits = { deadlineMs: 5000 };
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server = undefined;
});

/** A switch that answers each request as told. */
async function connect(answer: (request: SwitchRequest, socket: Socket) => void): Promise<SwitchClient> {
  const path = join(temporary(), 'switch');
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      const lines = (text + chunk.toString()).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) answer(JSON.parse(line) as SwitchRequest, socket);
    });
  });
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  return await SwitchClient.open(path, 'vmnet8', limits);
}

describe('the client of a switch', () => {
  it('gets the answer to its own request, in parts and out of order', async () => {
    const requests: SwitchRequest[] = [];
    using client = await connect((request, socket) => {
      requests.push(request);
      if (requests.length < 2) return;
      const [first, second] = requests.map(({ id }) => id);
      const other = JSON.stringify({ id: second, status: { ...status, uplinkConnected: true } });
      socket.write(other.slice(0, 9));
      socket.write(`${other.slice(9)}\n${JSON.stringify({ id: first, status })}\n`);
    });
    const [one, two] = [client.status(limits), client.status(limits)];
    expect((await one).uplinkConnected).toBe(false);
    expect((await two).uplinkConnected).toBe(true);
  });

  it('names the network in the error of a switch', async () => {
    using client = await connect(({ id }, socket) => {
      socket.write(`${JSON.stringify({ id, error: 'the MTU is too large' })}\n`);
    });
    await expect(client.status(limits)).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'The switch of vmnet8: the MTU is too large',
    });
  });

  it('fails every wait when the switch ends, and says that it has ended', async () => {
    using client = await connect((_, socket) => socket.destroy());
    await expect(client.status(limits)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    await client.closed;
    await expect(client.status(limits)).rejects.toThrow('The switch of vmnet8 has ended.');
  });

  it('treats an answer that is not JSON as the end of the switch', async () => {
    using client = await connect((_, socket) => socket.write('nonsense\n'));
    await expect(client.status(limits)).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('waits no longer than its time limit, and can be cancelled', async () => {
    using client = await connect(() => undefined);
    await expect(client.status({ deadlineMs: 10 })).rejects.toMatchObject({ code: 'ENGINE_TIMEOUT' });
    const signal = AbortSignal.abort();
    await expect(client.status({ ...limits, signal })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
