import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { errorBody } from '../../src/api/messages.ts';
import { pathOf, useRefusingServer, valid } from './daemon-support.ts';

const refusing = useRefusingServer(valid);

/** Everything that the daemon answers to these bytes. */
async function answerTo(socket: string, bytes: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let text = '';
    connection.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    connection.on('error', reject).on('close', () => resolve(text));
    connection.write(bytes);
  });
}

function request(line: string, ...headers: string[]): string {
  return `${[`${line} HTTP/1.1`, 'host: kame', 'connection: close', ...headers].join('\r\n')}\r\n\r\n`;
}

const upgrade = ['connection: Upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'];
const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==';
const deep = `{"name": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

describe('a refused request', () => {
  it.each([
    ['a malformed URL', 400, request('GET /v1/machines/%')],
    ['a part of the URL that is too long', 414, request(`GET /v1/machines/${'a'.repeat(5000)}`)],
    ['headers that are too long', 431, request('GET /v1/machines', `x: ${'a'.repeat(20_000)}`)],
    ['something other than HTTP', 400, 'nonsense\r\n\r\n'],
    ['an unknown method', 400, request('BREW /v1/machines')],
    ['an expectation', 417, request('GET /v1/machines', 'expect: tea')],
    ['a proxy', 405, request('CONNECT example.org:443')],
    ['an unknown WebSocket', 404, request('GET /v1/machines/demo/start', ...upgrade, key)],
    ['a malformed URL of a WebSocket', 404, request('GET /v1/machines/%/console', ...upgrade, key)],
    ['a WebSocket without a key', 400, request('GET /v1/machines/demo/console', ...upgrade)],
    [
      'another protocol',
      400,
      request('GET /v1/machines/demo/console', 'connection: Upgrade', 'upgrade: h2c'),
    ],
    [
      'a body of another type',
      400,
      `${request('POST /v1/machines', 'content-type: text/plain', 'content-length: 1')}x`,
    ],
    [
      'a body that is nested too deeply',
      400,
      `${request('POST /v1/machines', 'content-type: application/json', `content-length: ${deep.length}`)}${deep}`,
    ],
  ])('for %s has the shape of an error', async (_name, status, bytes) => {
    const { socket } = await refusing();
    const answer = await answerTo(socket, bytes);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(errorBody.parse(JSON.parse(body)).code).toBe('USAGE');
  });
});

describe('a client that has gone', () => {
  it.each([
    ['an unknown WebSocket', request('GET /v1/nowhere', ...upgrade, key)],
    ['a malformed URL of a WebSocket', request('GET /v1/machines/%/console', ...upgrade, key)],
    ['a WebSocket without a key', request('GET /v1/machines/demo/console', ...upgrade)],
    ['a WebSocket', request('GET /v1/machines/demo/console', ...upgrade, key)],
    ['something other than HTTP', 'nonsense\r\n\r\n'],
  ])('after asking for %s does not end the daemon', async (_name, bytes) => {
    const { socket } = await refusing();
    for (let count = 0; count < 20; count += 1) {
      await new Promise<void>((resolve) => {
        const connection = createConnection(socket);
        connection.on('close', () => resolve());
        connection.write(bytes, () => connection.destroy());
      });
    }
    const answer = await answerTo(socket, request(`GET ${pathOf('machines.list')}`));
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });
});
