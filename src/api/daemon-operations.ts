import * as z from 'zod';
import { activitySample } from './activity.ts';
import { cancelledTask, daemonStatus, doctor, done, event, runDoctor, task } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { ndjson } from './protocol.ts';

const taskParams = z.object({
  task: z.uuid().meta({
    description: 'The UUID of a task',
    examples: ['5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a10'],
  }),
});

/** The daemon, its tasks and its host. */
export const daemonOperations = {
  'daemon.status': {
    method: 'GET',
    path: '/daemon',
    role: 'viewer',
    kind: 'json',
    anyVersion: true,
    summary: 'Show the version, process and memory of the daemon',
    result: daemonStatus,
  },
  'daemon.stop': {
    method: 'POST',
    path: '/daemon/stop',
    role: 'owner',
    kind: 'json',
    anyVersion: true,
    summary: 'Stop the daemon',
    description: 'Machines keep running, and the next daemon takes them over.',
    result: done,
  },
  'daemon.openapi': {
    method: 'GET',
    path: '/openapi.json',
    role: 'viewer',
    byMachine: true,
    kind: 'json',
    summary: 'Get the OpenAPI 3.1 description of the API',
    result: z.record(z.string(), z.unknown()),
  },
  'tasks.list': {
    method: 'GET',
    path: '/tasks',
    role: 'viewer',
    byMachine: true,
    kind: 'json',
    summary: 'List the running tasks',
    result: z.array(task),
  },
  'tasks.cancel': {
    method: 'DELETE',
    path: '/tasks/{task}',
    role: 'operator',
    byMachine: true,
    kind: 'json',
    summary: 'Cancel a task',
    description: 'The reply to the request that started the task reports how it ended.',
    params: taskParams,
    result: cancelledTask,
  },
  'host.events': {
    method: 'GET',
    path: '/events',
    role: 'viewer',
    byMachine: true,
    kind: 'stream',
    contentType: ndjson,
    summary: 'Follow the events of machines',
    description: 'Sends events from the time of the request. A client that does not read is disconnected.',
    result: event,
  },
  'host.activity': {
    method: 'GET',
    path: '/activity',
    role: 'viewer',
    byMachine: true,
    kind: 'stream',
    contentType: ndjson,
    summary: 'Follow what the machines and the host use',
    description:
      'First the samples that are remembered, one in ten seconds and at most an hour of them, then one in two seconds. Samples are taken while somebody follows, and for a minute after.',
    result: activitySample,
  },
  'host.doctor': {
    method: 'POST',
    path: '/doctor',
    role: 'operator',
    kind: 'task',
    verb: 'doctor',
    summary: 'Check this host for problems',
    body: runDoctor,
    result: doctor,
    example: { body: { fresh: true } },
  },
} as const satisfies OperationTable;
