import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { ImageCache } from '../../src/image/cache.ts';
import { qemuImg } from './qemu-img.ts';

// An image cache in a home of its own, and a server that has the files a test gives it.

let server: Server;
export let home = '';
export let origin = '';
export let cache: ImageCache;
/** What the server says of a file besides its bytes: by default a strong ETag of its content. */
export let headersOf: (data: Buffer) => Record<string, string> = () => ({});
export const serveHeaders = (make: typeof headersOf): void => void (headersOf = make);
/** Closes the server: nothing can be asked any more. */
export const goOffline = (): void => {
  server.closeAllConnections();
  server.close();
};
/** The paths that were asked for. */
export let requests: string[] = [];
/** What the server has, by path. */
export const files = new Map<string, Buffer>();
export const arch = 'aarch64';

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A new disk in the home, and its bytes. */
export function makeQcow2(name: string, size: string): Buffer {
  const path = join(home, name);
  qemuImg('create', '-q', '-f', 'qcow2', path, size);
  return readFileSync(path);
}

export function writeCatalogue(images: object[]): void {
  writeFileSync(join(home, 'catalogue.json'), JSON.stringify({ images }));
}

/** The names of what is in the store. */
export function stored(): string[] {
  return readdirSync(join(home, 'images'))
    .filter((name) => name !== 'downloads')
    .sort();
}

/** Gives each test of a file a home and a server of its own. */
export function useImageCache(): void {
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'kame-images-'));
    mkdirSync(join(home, 'images'));
    files.clear();
    requests = [];
    headersOf = (data) => ({ etag: `"${sha256(data)}"` });
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      const data = files.get(request.url ?? '');
      const headers = data ? headersOf(data) : {};
      const { 'if-none-match': etag, 'if-modified-since': date } = request.headers;
      const same = Object.values(headers).some((value) => value === etag || value === date);
      response.writeHead(data ? (same ? 304 : 200) : 404, headers).end(same ? undefined : data);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    cache = new ImageCache({
      directory: join(home, 'images'),
      catalogue: join(home, 'catalogue.json'),
      cacheDir: join(home, 'cache'),
      pauseMs: 1,
      buildTiny: async ({ outDir }) => {
        mkdirSync(outDir, { recursive: true });
        return { disk: join(outDir, 'tiny.qcow2'), kernel: 'k', initrd: 'i', commandLine: 'quiet' };
      },
    });
  });

  afterEach(async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    rmSync(home, { recursive: true, force: true });
  });
}
