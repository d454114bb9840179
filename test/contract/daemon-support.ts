import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll } from 'vitest';
import { routes } from '../../src/api/generated/routes.ts';
import * as route from '../../src/api/route.ts';
import { buildServer } from '../../src/daemon/server.ts';
import { TaskList } from '../../src/daemon/tasks.ts';
import { daemonFacts } from '../support/daemon-facts.ts';
import { testHost } from '../support/test-host.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

/** A `.vmx` without devices. */
export const valid =
  'config.version = "8"\nvirtualHW.version = "20"\nguestOS = "arm-debian12-64"\nmemsize = "512"\n';

/** The path of an operation, for the machine `demo` unless said otherwise. */
export function pathOf(name: keyof typeof routes, params: Readonly<Record<string, string>> = {}): string {
  return route.pathOf(routes[name], { machine: 'demo', ...params });
}

type Server = Awaited<ReturnType<typeof buildServer>>;

async function serverOn(home: string, vmx: string | undefined): Promise<Server> {
  if (vmx !== undefined) {
    const bundle = join(home, 'machines', 'demo.vmwarevm');
    await mkdir(bundle, { recursive: true });
    await writeFile(join(bundle, 'demo.vmx'), vmx);
  }
  const host = testHost({ home, env: {} });
  const daemon = daemonFacts(host.names, { socket: join(home, 'kamed.sock') });
  return await buildServer(host, new TaskList(), daemon, pino({ level: 'silent' }));
}

/** For a file of tests: gives the daemon's server, each on a home of its own, asked without a socket. */
export function useHomes(): (vmx?: string) => Promise<Server> {
  const temporary = useTemporaryDirectory();
  return async (vmx) => await serverOn(temporary(), vmx);
}

/**
 * For the tests of a file whose requests are all refused and so change nothing: they share one server, since to make one with
 * all its routes takes much longer than to ask it. It also listens on the socket of its home.
 */
export function useRefusingServer(vmx: string): () => Promise<{ server: Server; socket: string }> {
  let home = '';
  let made: Promise<Server> | undefined;
  const open = async (): Promise<Server> => {
    home = mkdtempSync(join(tmpdir(), 'kq-'));
    const server = await serverOn(home, vmx);
    await server.listen({ path: join(home, 'kamed.sock') });
    return server;
  };
  afterAll(async () => {
    await (await made)?.close();
    if (made) rmSync(home, { recursive: true });
    made = undefined;
  });
  return async () => {
    made ??= open();
    return { server: await made, socket: join(home, 'kamed.sock') };
  };
}
