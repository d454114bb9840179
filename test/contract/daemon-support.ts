import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { routes } from '../../src/api/generated/routes.ts';
import * as route from '../../src/api/route.ts';
import { buildServer } from '../../src/daemon/server.ts';
import { TaskList } from '../../src/daemon/tasks.ts';
import { testHost } from '../support/test-host.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

/** A `.vmx` without devices. */
export const valid =
  'config.version = "8"\nvirtualHW.version = "20"\nguestOS = "arm-debian12-64"\nmemsize = "512"\n';

/** The path of an operation, for the machine `demo` unless said otherwise. */
export function pathOf(name: keyof typeof routes, params: Readonly<Record<string, string>> = {}): string {
  return route.pathOf(routes[name], { machine: 'demo', ...params });
}

/** For a file of tests: gives the daemon's server, each on a home of its own, asked without a socket. */
export function useHomes() {
  const temporary = useTemporaryDirectory();
  return async (vmx?: string) => {
    const home = temporary();
    if (vmx !== undefined) {
      const bundle = join(home, 'machines', 'demo.vmwarevm');
      await mkdir(bundle, { recursive: true });
      await writeFile(join(bundle, 'demo.vmx'), vmx);
    }
    const host = testHost({ home, env: {} });
    const daemon = {
      version: '1.2.3',
      socket: join(home, 'kamed.sock'),
      startedAt: new Date(),
      requestStop: () => undefined,
    };
    return await buildServer(host, new TaskList(), daemon, pino({ level: 'silent' }));
  };
}
