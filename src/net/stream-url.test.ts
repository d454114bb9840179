import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { like, refused } from '../../test/support/refused.ts';
import { streamUrl } from './stream-url.ts';

const body = Buffer.from(Array.from({ length: 300_000 }, (_none, at) => at % 251));
let close = (): void => undefined;
afterEach(() => close());

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<URL> {
  let count = 0;
  const server = createServer((request, response) => answer(request, response, (count += 1)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.close();
    server.closeAllConnections();
  };
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.ova`);
}

async function read(url: URL, hex?: string): Promise<Buffer> {
  const checksum = hex === undefined ? {} : { checksum: { algorithm: 'sha256', hex } as const };
  const options = { signal: new AbortController().signal, env: {}, pauseMs: 1, ...checksum };
  const { size, chunks } = await streamUrl(url, options);
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  expect([undefined, body.length]).toContain(size);
  return Buffer.concat(parts);
}

/** Sends what was asked for, but breaks the connection after some bytes. */
function broken(etag: (count: number) => string) {
  return ({ headers }: IncomingMessage, response: ServerResponse, count: number) => {
    const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
    const same = headers['if-range'] === undefined || headers['if-range'] === etag(count);
    const at = same ? from : 0;
    response.writeHead(at > 0 ? 206 : 200, {
      etag: etag(count),
      'content-length': body.length - at,
      ...(at > 0 ? { 'content-range': `bytes ${at}-${body.length - 1}/${body.length}` } : {}),
    });
    const part = body.subarray(at, at + 100_000);
    response.write(part, () => void (at + part.length < body.length ? response.destroy() : response.end()));
  };
}

describe('a URL that is read as a stream', () => {
  it('goes on where the connection broke', async () => {
    expect((await read(await serve(broken(() => '"a"')))).equals(body)).toBe(true);
  });

  it('is refused if it has changed since', async () => {
    const url = await serve(broken((count) => `"${count}"`));
    expect(await refused(read(url))).toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: like(/has changed since/),
    });
  });

  it('must have the hash that was given', async () => {
    const url = await serve((_request, response) => void response.end(body));
    expect((await read(url, createHash('sha256').update(body).digest('hex'))).equals(body)).toBe(true);
    expect(await refused(read(url, 'a'.repeat(64)))).toMatchObject({ code: 'CHECKSUM_MISMATCH' });
  });

  it('fails with the status of the server', async () => {
    const url = await serve((_request, response) => void response.writeHead(404).end());
    expect(await refused(read(url))).toMatchObject({ code: 'DOWNLOAD_FAILED', message: like(/status 404/) });
  });
});
