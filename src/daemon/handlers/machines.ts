import type { machineOperations } from '../../api/machine-operations.ts';
import { hasRole } from '../../api/role.ts';
import { silentProgress } from '../../core/progress.ts';
import { exportMachine } from '../../vm/export/export.ts';
import { importMachine, reportImport, undoImport } from '../../vm/import/import.ts';
import { create } from '../../vm/library/create.ts';
import { remove } from '../../vm/library/delete.ts';
import { showFiles } from '../../vm/library/machine-files.ts';
import { inspect, register, unregister } from '../../vm/library/register.ts';
import { rename } from '../../vm/library/rename.ts';
import { repair } from '../../vm/library/repair.ts';
import { changeSettings, vmxOf } from '../../vm/library/settings.ts';
import { planStart } from '../../vm/power/start.ts';
import { list, show } from '../../vm/running/describe.ts';
import { importStream } from './import-stream.ts';
import type { Handlers } from './handler.ts';

export const machineHandlers: Handlers<keyof typeof machineOperations> = {
  'machines.list': async ({ host, principal }) =>
    (await list(host)).filter(({ id }) => hasRole(principal, 'viewer', id)),
  'machines.create': ({ host }, { body }, progress) => create(host, body, progress),
  'machines.register': ({ host }, { body }) => register(host, body),
  'machines.inspect': ({ host }, { body }) => inspect(host, body.path),
  'machines.import': ({ host }, { body }, progress) => importMachine(host, body, progress),
  'machines.reportImport': ({ host }, { body, signal }) => reportImport(host, body, silentProgress(signal)),
  'machines.importStream': importStream,
  'machines.undoImport': async ({ host }, { params }) => {
    return { ok: true, kept: [...(await undoImport(host, params.machine))] };
  },
  'machines.export': ({ host }, { params, body }, progress) =>
    exportMachine(host, params.machine, body, progress),
  'machines.files': ({ host }, { params }) => showFiles(host, params.machine),
  'machines.show': ({ host }, { params }) => show(host, params.machine),
  'machines.vmx': ({ host }, { params }) => vmxOf(host, params.machine),
  'machines.set': ({ host }, { params, body }) => changeSettings(host, params.machine, body.settings),
  'machines.rename': ({ host }, { params, body }) => rename(host, params.machine, body.name),
  'machines.delete': async ({ host }, { params }) => {
    return { ok: true, kept: [...(await remove(host, params.machine))] };
  },
  'machines.unregister': async ({ host }, { params }) => {
    await unregister(host, params.machine);
    return { ok: true };
  },
  'machines.repair': ({ host }, { params, body }) => repair(host, params.machine, body),
  'machines.plan': ({ host }, { params, signal }) => planStart(host, params.machine, signal),
};
