import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { asked, daemon, result, useDaemon } from './cli-run.ts';
import { demo, demoRunning } from './cli-samples.ts';
import { json, problem } from './cli-support.ts';
import { id } from './vmrest-lines.ts';
import { ask, authorization, port, useVmrest } from './vmrest-server.ts';

// What programs and web pages that mean harm send to vmrest.

useDaemon();
useVmrest();

const power = `/api/vms/${id}/power`;
const params = `/api/vms/${id}/params`;

/** Sends bytes as they are; what comes back until the end of the connection. */
async function raw(text: string): Promise<string> {
  const socket = connect(port(), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

describe('vmrest under attack', () => {
  it.each([
    ['deep', '['.repeat(40_000)],
    ['deep and complete', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    ['of many values', `[${'1,'.repeat(20_000)}1]`],
    ['not JSON', '\0\0\0\0'],
    ['not UTF-8', '\ud800'],
    ['with a key of prototypes', '{"__proto__":{"name":"x","value":"y"}}'],
  ])('refuses a body that is %s', async (_what, body) => {
    const answered = await ask('PUT', params, { body });
    expect([answered.status, answered.body]).toEqual([400, { Code: 100, Message: expect.any(String) }]);
    expect(asked()).toEqual([]);
  });

  it('reads no more of a body than it takes', async () => {
    const head = `PUT ${power} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
    const type = 'Content-Type: application/vnd.vmware.vmw.rest-v1+json\r\n';
    const told = await raw(`${head}${type}Content-Length: 1000000000\r\n\r\n${'x'.repeat(65_537)}`);
    expect(told).toMatch(/^HTTP\/1\.1 400 /u);
    expect(told).toContain('The body is larger than 65536 bytes.');
    expect(told).toMatch(/^connection: close\r$/imu);
  });

  it('does not read the body of somebody who is not signed in', async () => {
    const told = await raw(`PUT ${power} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx`);
    expect(told).toMatch(/^HTTP\/1\.1 401 /u);
  });

  it.each([
    '/api',
    '/api/',
    '/api/vms/',
    '/api//vms',
    '/api/vms/%ff',
    '/api/vms/%2e%2e/power',
    '/api/../json',
    '/api/constructor',
    '/',
    '/v1/machines',
    `/api/vms/${id}/power/x`,
  ])('has nothing at %s', async (path) => {
    daemon.on('GET /v1/machines', json([demo]));
    expect((await ask('GET', path)).status).toBe(404);
  });

  it('names the methods of a path', async () => {
    const answered = await ask('DELETE', power);
    expect([answered.status, answered.headers.allow]).toEqual([405, 'GET, PUT']);
  });

  it.each([
    [{ host: 'attacker.example' }],
    [{ host: 'attacker.example:8697' }],
    [{ host: 'localhost.attacker.example' }],
    [{ host: '127.0.0.1.attacker.example' }],
    [{ host: '127.0.0.1@attacker.example' }],
    [{ origin: 'https://attacker.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://localhost:3000' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('refuses what a foreign web page sends: %j', async (headers) => {
    const answered = await ask('GET', '/api/vms', { headers });
    expect([answered.status, answered.body]).toEqual([403, { Code: 3014, Message: expect.any(String) }]);
    expect(asked()).toEqual([]);
  });

  it.each([['127.0.0.1'], ['localhost:1'], ['[::1]:8697'], ['192.168.1.9:8697'], ['LOCALHOST']])(
    'answers to the name %s',
    async (host) => {
      daemon.on('GET /v1/machines', json([]));
      expect((await ask('GET', '/api/vms', { headers: { host } })).status).toBe(200);
    },
  );

  it('lets in who was in while others try passwords', async () => {
    daemon.on('GET /v1/machines', json([]));
    expect((await ask('GET', '/api/vms')).status).toBe(200);
    const wrong = (at: number) => ({ authorization: `Basic ${Buffer.from(`ada:${at}`).toString('base64')}` });
    const attempts = Array.from({ length: 40 }, (_, at) => ask('GET', '/api/vms', { headers: wrong(at) }));
    const [own, ...others] = await Promise.all([ask('GET', '/api/vms'), ...attempts]);
    expect(own.status).toBe(200);
    const statuses = others.map(({ status }) => status);
    expect(statuses.filter((status) => status !== 401 && status !== 503)).toEqual([]);
  });

  it('answers parallel calls of one machine, each with what the daemon says', async () => {
    daemon.on('GET /v1/machines', json([demoRunning]));
    let busy = false;
    daemon.on(`POST /v1/machines/${encodeURIComponent(demo.path)}/pause`, (response, request) => {
      if (busy) problem(409, 'BUSY', 'demo is in use.')(response, request);
      else result(demo)(response, request);
      busy = true;
    });
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('PUT', power, { body: 'pause' })));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(200), count(409)]).toEqual([1, 5]);
  });
});
