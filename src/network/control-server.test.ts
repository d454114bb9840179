import { once } from 'node:events';
import { createConnection, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import * as world from '../../test/support/switch-world.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { serveControl } from './control-server.ts';
import type { SwitchConfig, SwitchReply, SwitchStatus } from './switch-config.ts';

const makeDirectory = useTemporaryDirectory();
const status: SwitchStatus = { uplinkConnected: false, ports: [], leases: [] };
const servers: Server[] = [];
const clients: Socket[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const server of servers.splice(0)) server.close();
});

interface Control {
  readonly path: string;
  readonly configured: SwitchConfig[];
}

async function serve(): Promise<Control> {
  const configured: SwitchConfig[] = [];
  const path = join(makeDirectory(), 'control');
  servers.push(
    await serveControl(path, { configure: (config) => configured.push(config), status: () => status }),
  );
  return { path, configured };
}

function connect(path: string): {
  send: (text: string) => void;
  reply: () => Promise<SwitchReply>;
  socket: Socket;
} {
  const socket = createConnection(path);
  clients.push(socket);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  return {
    socket,
    send: (text) => socket.write(text),
    reply: async () => {
      const next = await lines.next();
      return JSON.parse(next.done === true ? '"it hung up"' : next.value) as SwitchReply;
    },
  };
}

describe('the control socket', () => {
  it('configures and reports, for several clients at once', async () => {
    const { path, configured } = await serve();
    const config = world.natConfig();
    const [one, two] = [connect(path), connect(path)];
    const text = JSON.stringify({ id: 1, method: 'configure', config });
    one.send(text.slice(0, 100));
    two.send('{"id":7,"method":"status"}\n{"id":8,"method":"status"}\n');
    expect([await two.reply(), await two.reply()]).toEqual([
      { id: 7, status },
      { id: 8, status },
    ]);
    one.send(`${text.slice(100)}\n`);
    expect(await one.reply()).toEqual({ id: 1, status });
    expect(configured).toEqual([config]);
  });

  it.each([
    ['what is not JSON', 'status', -1, /JSON/],
    ['what is not an object', '[]x', -1, /JSON/],
    ['null', 'null', -1, /A request is a JSON object/],
    ['an empty line', '', -1, /JSON/],
    ['an unknown method', '{"id":3,"method":"quit"}', 3, /Unknown method "quit"/],
    ['no method', '{"id":"x"}', -1, /Unknown method/],
    [
      'a malformed configuration',
      '{"id":4,"method":"configure","config":{"mtu":1}}',
      4,
      /malformed: ports must be/,
    ],
    ['deep nesting', `{"id":5,"method":${'['.repeat(1000)}`, -1, /nested/],
  ])('answers %s with an error, and goes on', async (_what, line, id, error) => {
    const { path, configured } = await serve();
    const client = connect(path);
    client.send(`${line}\n{"id":9,"method":"status"}\n`);
    expect(await client.reply()).toEqual({ id, error: expect.stringMatching(error) as string });
    expect(await client.reply()).toEqual({ id: 9, status });
    expect(configured).toEqual([]);
  });

  it('hangs up on a request that is too long', async () => {
    const { path } = await serve();
    const client = connect(path);
    const closed = once(client.socket, 'close');
    client.send('x'.repeat(1024 * 1024 + 1));
    expect(await client.reply()).toMatchObject({ error: 'A request is longer than 1048576 bytes.' });
    await closed;
    const next = connect(path);
    next.send('{"id":1,"method":"status"}\n');
    expect(await next.reply()).toEqual({ id: 1, status });
  });
});
