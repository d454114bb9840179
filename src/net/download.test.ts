import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressReport } from '../core/progress.ts';
import { silentProgress } from '../core/progress.ts';
import { download, type DownloadOptions, type Downloaded } from './download.ts';
import { openUrl } from './http.ts';

const body = Buffer.alloc(1_500_000, 'the tortoise wins. ');
const sha256 = createHash('sha256').update(body).digest('hex');
const checksum = { algorithm: 'sha256', hex: sha256 } as const;

let directory = '';
let server: Server;
let origin = '';
let handler: (request: IncomingMessage, response: ServerResponse) => void;
let ranges: (string | undefined)[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kame-download-'));
  ranges = [];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

function get(path: string, options: Partial<DownloadOptions> = {}): Promise<Downloaded> {
  const url = new URL(path, origin);
  return download({ url, directory, progress: silentProgress(), pauseMs: 1, ...options });
}

/** Serves the body with ranges, as a good server does; each response is cut off after `cut` bytes, if given. */
function serve(request: IncomingMessage, response: ServerResponse, etag: string, cut?: number): void {
  const { range, 'if-range': ifRange } = request.headers;
  const start = range !== undefined && ifRange === etag ? Number(/bytes=(\d+)-/u.exec(range)?.[1]) : 0;
  const part = body.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': part.length,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
  });
  if (cut === undefined || cut >= part.length) response.end(part);
  else response.write(part.subarray(0, cut), () => setImmediate(() => response.destroy()));
}

describe('a download', () => {
  it('is complete, with hashes and progress in bytes', async () => {
    handler = (request, response) => serve(request, response, '"1"');
    const reports: ProgressReport[] = [];
    const progress = {
      signal: new AbortController().signal,
      report: (one: ProgressReport) => void reports.push(one),
    };
    const result = await get('/a.img', { checksum, progress });
    expect(result).toMatchObject({ bytes: body.length, hashes: { sha256 } });
    expect(readFileSync(result.path).equals(body)).toBe(true);
    expect(reports.at(-1)).toEqual({
      stage: 'Downloading',
      done: body.length,
      total: body.length,
      unit: 'bytes',
    });
  });

  it('continues where the connection broke', async () => {
    handler = (request, response) => serve(request, response, '"1"', 400_000);
    const result = await get('/a.img', { checksum });
    expect(readFileSync(result.path).equals(body)).toBe(true);
    expect(ranges.length).toBe(4);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/u.test(range ?? ''))).toBe(true);
  });

  it('continues in a later run after a cancellation', async () => {
    const controller = new AbortController();
    handler = (request, response) => {
      if (ranges.length > 1) return serve(request, response, '"1"');
      response.writeHead(200, { etag: '"1"', 'content-length': body.length });
      response.write(body.subarray(0, 600_000));
    };
    const report = ({ done }: ProgressReport): void => {
      if ((done ?? 0) > 500_000) controller.abort();
    };
    await expect(
      get('/a.img', { checksum, progress: { signal: controller.signal, report } }),
    ).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    const result = await get('/a.img', { checksum });
    expect(readFileSync(result.path).equals(body)).toBe(true);
    expect(ranges[1]).toMatch(/^bytes=[1-9]/u);
  });

  it('starts again if the file has changed since', async () => {
    handler = (request, response) =>
      serve(request, response, `"${ranges.length}"`, ranges.length === 1 ? 400_000 : undefined);
    const result = await get('/a.img', { checksum });
    expect(readFileSync(result.path).equals(body)).toBe(true);
    expect(ranges[1]).toMatch(/^bytes=[1-9]/u);
  });

  it('works with a server without ranges and without lengths', async () => {
    handler = (_request, response) => {
      if (ranges.length > 1) response.end(body);
      else response.write(body.subarray(0, 300_000), () => setImmediate(() => response.destroy()));
    };
    const result = await get('/a.img', { checksum });
    expect(readFileSync(result.path).equals(body)).toBe(true);
    expect(ranges).toEqual([undefined, undefined]);
  });

  it('survives a server with temporary problems', async () => {
    handler = (request, response) => {
      if (ranges.length < 3) response.writeHead(503).end();
      else serve(request, response, '"1"');
    };
    expect((await get('/a.img')).bytes).toBe(body.length);
    expect(ranges.length).toBe(3);
  });
});

describe('a download that fails', () => {
  it('discards a file with the wrong checksum', async () => {
    handler = (request, response) => serve(request, response, '"1"');
    const wrong = { algorithm: 'sha512', hex: '0'.repeat(128) } as const;
    await expect(get('/a.img', { checksum: wrong })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not retry after a permanent failure', async () => {
    handler = (_request, response) => void response.writeHead(404).end('gone');
    await expect(get('/a.img')).rejects.toThrow(/status 404/);
    expect(ranges.length).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('gives up on a body that is always cut short', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write('short', () => setImmediate(() => response.destroy()));
    };
    await expect(get('/a.img')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(ranges.length).toBeGreaterThanOrEqual(5);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('limits the number of redirects', async () => {
    handler = (request, response) =>
      void response.writeHead(302, { location: `${request.url ?? ''}x` }).end();
    await expect(get('/a')).rejects.toThrow(/redirects more than 5 times/);
    expect(ranges.length).toBe(6);
  });

  it.each([
    ['another protocol', 'file:///etc/passwd', /file:/],
    ['plain http elsewhere', 'http://example.invalid/a.img', /plain http/],
    ['no URL', 'http://[', /invalid URL/],
  ])('does not follow a redirect to %s', async (_name, location, message) => {
    handler = (_request, response) => void response.writeHead(302, { location }).end();
    await expect(get('/a.img')).rejects.toThrow(message);
    expect(ranges.length).toBe(1);
  });

  it('does not use plain http to other hosts without a checksum', async () => {
    const options = { signal: new AbortController().signal, allowHttp: false };
    await expect(openUrl(new URL('http://example.invalid/a.img'), options)).rejects.toThrow(/plain http/);
  });

  it('accepts no more bytes than the limit, announced or not', async () => {
    handler = (request, response) => {
      if (request.url === '/told') serve(request, response, '"1"');
      else response.end(body);
    };
    await expect(get('/told', { maxBytes: 1000 })).rejects.toThrow(/larger than the limit/);
    await expect(get('/untold', { maxBytes: 1000 })).rejects.toThrow(/larger than the limit/);
  });

  it('reports how many bytes are needed when there is not enough free space', async () => {
    const size = 2 ** 52;
    handler = (_request, response) => {
      response.writeHead(200, { 'content-length': size });
      response.write('x');
    };
    await expect(get('/a.img', { maxBytes: 2 ** 53 })).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { bytesNeeded: size },
    });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('stops immediately when cancelled while the server is silent', async () => {
    const controller = new AbortController();
    handler = () => controller.abort();
    const progress = { signal: controller.signal, report: () => undefined };
    await expect(get('/a.img', { progress })).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('does not wait for a silent server, but tries again', async () => {
    handler = (request, response) => {
      // It says nothing at all, then nothing after the head, then everything.
      if (ranges.length === 2) response.flushHeaders();
      else if (ranges.length === 3) serve(request, response, '"1"');
    };
    const { hashes } = await get('/a.img', { silenceMs: 30 });
    expect([hashes.sha256, ranges.length]).toEqual([sha256, 3]);
  });
});
