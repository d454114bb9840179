import type { daemonOperations } from '../../api/daemon-operations.ts';
import { hasRole } from '../../api/role.ts';
import { diagnose } from '../../vm/recovery/doctor.ts';
import type { Handlers } from './handler.ts';
import { visibleTasks } from './visible-tasks.ts';

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
  'tasks.list': ({ host, tasks, principal }) => visibleTasks(host, principal, 'viewer', tasks.list()),
  'tasks.cancel': async ({ host, tasks, principal }, { params: { task } }) => {
    const own = await visibleTasks(host, principal, 'operator', tasks.list());
    return { found: own.some(({ id }) => id === task) && tasks.cancel(task) };
  },
  'host.events': ({ host, principal }, _request, emit) =>
    host.events.listen((event) => {
      if (hasRole(principal, 'viewer', event.id)) emit(event);
    }),
  'host.activity': ({ activity, principal }, _request, emit) =>
    activity.listen((sample) =>
      emit({ ...sample, machines: sample.machines.filter(({ id }) => hasRole(principal, 'viewer', id)) }),
    ),
  'host.doctor': ({ host }, { body }, progress) => diagnose(host, body, progress),
};
