import { join } from 'node:path';
import { onTestFinished, describe, expect, it } from 'vitest';
import { errorBody } from '../../src/api/messages.ts';
import { openApiDocument } from '../../src/api/openapi.ts';
import { openChannel } from '../../src/client/node/unix-websocket.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { pathOf, useHomes, valid } from './daemon-support.ts';

const useServer = useHomes();
const directory = useTemporaryDirectory();

describe('the daemon', () => {
  it('serves the OpenAPI document of its version', async () => {
    const server = await useServer();
    const answer = await server.inject({ url: pathOf('daemon.openapi') });
    expect(answer.headers['content-type']).toContain('application/json');
    expect(answer.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument('1.2.3'))));
  });

  it('treats a request without a body as one with all defaults', async () => {
    const server = await useServer(valid);
    const checked = await server.inject({ method: 'POST', url: pathOf('disks.checkAll') });
    expect(checked.json()).toEqual({ ok: true, layers: [] });
    const added = await server.inject({ method: 'POST', url: pathOf('disks.add') });
    expect(errorBody.parse(added.json()).message).toContain('sizeBytes');
  });

  it('refuses a field of a query that it does not know', async () => {
    const server = await useServer(valid);
    const answer = await server.inject({ url: `${pathOf('machines.logs')}?folow=true` });
    expect([answer.statusCode, errorBody.parse(answer.json()).message]).toEqual([
      400,
      expect.stringContaining('folow'),
    ]);
  });
});

describe('a WebSocket', () => {
  /** The last text message of a WebSocket to which a first one was sent. */
  async function lastMessage(path: string, first?: string): Promise<unknown> {
    const server = await useServer(valid);
    const socket = join(directory(), 'kamed.sock');
    await server.listen({ path: socket });
    onTestFinished(async () => await server.close());
    const channel = await openChannel(socket, path, new AbortController().signal);
    if (first !== undefined) await channel.send(first);
    let last: unknown;
    for await (const message of channel.messages) last = JSON.parse(String(message));
    return last;
  }
  const failed = (code: string, text: string) => ({
    type: 'error',
    error: expect.objectContaining({ code, message: expect.stringContaining(text) }) as unknown,
  });

  it.each([
    ['nonsense', 'USAGE'],
    ['{"command": []}', 'command'],
    ['{"command": ["ls"], "shell": true}', 'shell'],
  ])('gets an error from exec if its first message is %s', async (first, text) => {
    expect(await lastMessage(pathOf('machines.exec'), first)).toEqual(
      failed('USAGE', text === 'USAGE' ? 'malformed' : text),
    );
  });

  it('gets an error from exec or console of a stopped machine', async () => {
    expect(await lastMessage(pathOf('machines.exec'), '{"command": ["ls"]}')).toEqual(
      failed('WRONG_STATE', 'demo'),
    );
    expect(await lastMessage(pathOf('machines.console'))).toEqual(failed('WRONG_STATE', 'demo'));
  });

  it.each(['/v1/machines/demo/start', '/v1/machines//exec', '/v1/machines/%zz/exec', '/console'])(
    'to %s is refused',
    async (path) => {
      await expect(lastMessage(path)).rejects.toThrow('The API has no WebSocket');
    },
  );
});
