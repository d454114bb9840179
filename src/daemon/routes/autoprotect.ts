import type { App } from '../app.ts';
import { autoProtect, setAutoProtect as setBody } from '../../api/checkpoint.ts';
import { autoProtectOf, setAutoProtect } from '../../vm/snapshot/autoprotect.ts';
import { machineParams } from './machines.ts';

/** Snapshots that are taken regularly. */
export function autoProtectRoutes({ http, host }: App): void {
  const response = { 200: autoProtect };
  http.get(
    '/machines/:machine/autoprotect',
    { schema: { params: machineParams, response } },
    async (request) => await autoProtectOf(host, request.params.machine),
  );
  http.put(
    '/machines/:machine/autoprotect',
    { schema: { params: machineParams, body: setBody, response } },
    async (request) => await setAutoProtect(host, request.params.machine, request.body),
  );
}
