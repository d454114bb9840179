import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { OvaFile } from './ova.ts';

export type FileAnswer = (response: ServerResponse, path: string) => void;

/** A server that has files below /a, and answers otherwise as it is told, until the end of a test. */
export function useFileServer() {
  let close = (): void => undefined;
  afterEach(() => close());
  const serve = async (
    files: readonly OvaFile[],
    otherwise: FileAnswer = (response) => response.writeHead(404).end(),
  ): Promise<{ readonly asked: readonly string[]; readonly at: string }> => {
    close();
    const asked: string[] = [];
    const server = createServer(({ url = '' }, response) => {
      asked.push(url);
      const { pathname } = new URL(url, 'http://a');
      const file = files.find(({ name }) => pathname === `/a/${encodeURIComponent(name)}`);
      if (file) response.end(file.content);
      else otherwise(response, url);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => {
      server.close();
      server.closeAllConnections();
    };
    return { asked, at: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a` };
  };
  return { serve };
}
