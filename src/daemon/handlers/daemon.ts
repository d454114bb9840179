import type { daemonOperations } from '../../api/daemon-operations.ts';
import { diagnose } from '../../vm/recovery/doctor.ts';
import type { Handlers } from './handler.ts';

export const daemonHandlers: Handlers<keyof typeof daemonOperations> = {
  'daemon.status': async ({ host, daemon }) => ({
    running: true,
    pid: process.pid,
    version: daemon.version,
    home: host.names.home,
    socket: daemon.socket,
    startedAt: daemon.startedAt.toISOString(),
    machines: (await host.inventory.readable()).paths.length,
    runningMachines: host.running.size,
    rssBytes: process.memoryUsage.rss(),
  }),
  'daemon.stop': ({ daemon }, { onAnswered }) => {
    onAnswered(daemon.requestStop);
    return { ok: true };
  },
  'daemon.openapi': async ({ daemon }) => {
    // Rarely requested, so it is loaded only on demand.
    const { openApiDocument } = await import('../../api/openapi.ts');
    return { ...openApiDocument(daemon.version) };
  },
  'web.open': async ({ daemon }) => {
    const { address, until } = await daemon.openWeb();
    return { address, until: until.toISOString() };
  },
  'tasks.list': ({ tasks }) => tasks.list(),
  'tasks.cancel': ({ tasks }, { params }) => ({ found: tasks.cancel(params.task) }),
  'host.events': ({ host }, _request, emit) => host.events.listen(emit),
  'host.activity': ({ activity }, _request, emit) => activity.listen(emit),
  'host.doctor': ({ host }, { body }, progress) => diagnose(host, body, progress),
};
