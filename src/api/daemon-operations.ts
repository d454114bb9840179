import * as z from 'zod';
import { cancelledTask, daemonStatus, doctor, done, event, runDoctor, task } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { ndjson } from './protocol.ts';

const taskParams = z.object({
  task: z.uuid().meta({
    description: 'The UUID of a task',
    examples: ['5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a10'],
  }),
});

/** The daemon, what it is doing, and its host. */
export const daemonOperations = {
  'daemon.status': {
    method: 'GET',
    path: '/daemon',
    kind: 'json',
    anyVersion: true,
    summary: 'Show the daemon’s version, process and memory',
    result: daemonStatus,
  },
  'daemon.stop': {
    method: 'POST',
    path: '/daemon/stop',
    kind: 'json',
    anyVersion: true,
    summary: 'End the daemon',
    description: 'Machines keep running; the next daemon takes them over.',
    result: done,
  },
  'daemon.openapi': {
    method: 'GET',
    path: '/openapi.json',
    kind: 'json',
    summary: 'Get the OpenAPI 3.1 description of the API',
    result: z.record(z.string(), z.unknown()),
  },
  'tasks.list': {
    method: 'GET',
    path: '/tasks',
    kind: 'json',
    summary: 'List the tasks that are under way',
    result: z.array(task),
  },
  'tasks.cancel': {
    method: 'DELETE',
    path: '/tasks/{task}',
    kind: 'json',
    summary: 'Cancel a task',
    description: 'The answer to the request that began it tells how it ended.',
    params: taskParams,
    result: cancelledTask,
  },
  'host.events': {
    method: 'GET',
    path: '/events',
    kind: 'stream',
    contentType: ndjson,
    summary: 'Follow what happens to machines',
    description: 'From the request on. A client that does not read is cut off.',
    result: event,
  },
  'host.doctor': {
    method: 'POST',
    path: '/doctor',
    kind: 'task',
    verb: 'doctor',
    summary: 'Check what this host can do',
    body: runDoctor,
    result: doctor,
    example: { body: { fresh: true } },
  },
} as const satisfies OperationTable;
