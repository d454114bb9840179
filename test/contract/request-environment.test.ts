import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { environmentHeader, requestVariables } from '../../src/api/protocol.ts';
import { environmentHeaders } from '../../src/client/node/request-environment.ts';
import { KameError } from '../../src/core/errors.ts';
import { hostFor } from '../../src/daemon/request-environment.ts';
import { hasChanged } from '../../src/net/http.ts';
import { testHost } from '../support/test-host.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { bodies, daemon, run, useDaemon } from './cli-run.ts';
import { json } from './cli-support.ts';
import { pathOf, useHomes, valid } from './daemon-support.ts';

const useServer = useHomes();
const temporary = useTemporaryDirectory();

function sent(headers: IncomingHttpHeaders): unknown {
  return JSON.parse(String(headers[environmentHeader]));
}

describe('the environment of a command', () => {
  useDaemon();

  it('is sent with its requests: proxies and QEMU variables, and nothing else', async () => {
    daemon.on('GET /v1/machines', json([]));
    const env = { https_proxy: 'http://proxy:3128', KAME_QEMU_DIR: '/opt/qemü', SECRET: 'x', PATH: '/bin' };
    await run(['list'], { env });
    const { SECRET: _, ...rest } = env;
    expect(daemon.requests.map(({ headers }) => sent(headers))).toEqual([rest]);
    expect(bodies()).toEqual([undefined]);
  });

  it('that is too long for a request is refused by name', async () => {
    const { code, stderr } = await run(['list'], { env: { no_proxy: 'x'.repeat(13_000) } });
    expect(code).toBe(2);
    expect(stderr).toContain('no_proxy');
    expect(daemon.requests).toEqual([]);
  });
});

describe('the daemon', () => {
  const host = () =>
    testHost({ home: temporary(), env: { PATH: '/daemon', https_proxy: 'http://d', HOME: '/h' } });

  it('uses the variables of the request, and unsets those that it lacks', () => {
    const { env, running } = hostFor(host(), { headers: environmentHeaders({ PATH: '/command' }) });
    expect(env).toEqual({
      ...Object.fromEntries(requestVariables.map((name) => [name, undefined])),
      PATH: '/command',
      HOME: '/h',
    });
    const daemonHost = host();
    expect(hostFor(daemonHost, { headers: {} })).toBe(daemonHost);
    expect(hostFor(daemonHost, { headers: environmentHeaders({}) }).running).toBe(daemonHost.running);
    expect(running.size).toBe(0);
  });

  it.each(['', '[]', '{"PATH": 1}', '{"LD_PRELOAD": "/x"}', `{"PATH": "${'x'.repeat(13_000)}"}`])(
    'refuses the header %s',
    (header) => {
      expect(() => hostFor(host(), { headers: { [environmentHeader]: header } })).toThrow(KameError);
    },
  );

  it('looks for QEMU where the request says', async () => {
    const server = await useServer(`${valid}uuid.bios = "56 4d 11 22 33 44 55 66-77 88 99 aa bb cc dd ee"\n`);
    const directory = join(temporary(), 'no-qemu');
    const answer = await server.inject({
      url: pathOf('machines.plan'),
      headers: environmentHeaders({ KAME_QEMU_DIR: directory }),
    });
    expect(answer.json()).toMatchObject({
      code: 'ENGINE_MISSING',
      message: `qemu-system-aarch64 was not found in ${join(directory, 'qemu-system-aarch64')}.`,
    });
  });
});

describe('a download', () => {
  it('goes through the proxy of the request, and through none if the request has none', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(304).end();
    });
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const url = new URL('https://images.invalid/a.qcow2');
    const options = { signal: new AbortController().signal, allowHttp: false };
    const through = { https_proxy: `http://127.0.0.1:${port}` };
    await expect(hasChanged(url, '"1"', { ...options, env: through })).rejects.toThrow(/Proxy response/);
    expect(asked).toEqual(['images.invalid:443']);
    await expect(hasChanged(url, '"1"', { ...options, env: {} })).rejects.toThrow(/getaddrinfo/);
    await expect(
      hasChanged(url, '"1"', { ...options, env: { ...through, no_proxy: 'images.invalid' } }),
    ).rejects.toThrow(/getaddrinfo/);
    expect(asked).toHaveLength(1);
  });
});
