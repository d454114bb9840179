import * as z from 'zod';
import type { App } from '../app.ts';
import { answerTask } from '../answer.ts';
import {
  clonedMachines,
  cloneMachine,
  deletedSnapshots,
  editSnapshot,
  revertedMachine,
  revertSnapshot as revertBody,
  snapshot,
  snapshotDetails,
  suspendedMachine,
  takenSnapshot,
  takeSnapshot as takeBody,
} from '../../api/checkpoint.ts';
import { revertSnapshot } from '../../vm/snapshot/revert.ts';
import {
  deleteSnapshot,
  editSnapshot as edit,
  listSnapshots,
  showSnapshot,
  takeSnapshot,
} from '../../vm/snapshot/snapshots.ts';
import { suspend } from '../../vm/power/suspend.ts';
import { clone } from '../../vm/clone/clone.ts';
import { machineParams } from './machines.ts';

const snapshotParams = machineParams.extend({ snapshot: z.string().min(1).max(4096) });

/** Snapshots: taking, looking at, going back to and deleting them. */
export function snapshotRoutes(app: App): void {
  const { http, host, tasks } = app;
  http.get(
    '/machines/:machine/snapshots',
    { schema: { params: machineParams, response: { 200: z.array(snapshot) } } },
    async (request) => await listSnapshots(host, request.params.machine),
  );
  http.post(
    '/machines/:machine/snapshots',
    { schema: { params: machineParams, body: takeBody } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'snapshot take', machine, schema: takenSnapshot };
      await answerTask(
        tasks,
        context,
        async (progress) => await takeSnapshot(host, machine, request.body, progress),
      );
    },
  );
  const params = snapshotParams;
  http.get(
    '/machines/:machine/snapshots/:snapshot',
    { schema: { params, response: { 200: snapshotDetails } } },
    async (request) => await showSnapshot(host, request.params.machine, request.params.snapshot),
  );
  http.patch(
    '/machines/:machine/snapshots/:snapshot',
    { schema: { params, body: editSnapshot, response: { 200: snapshot } } },
    async (request) => await edit(host, request.params.machine, request.params.snapshot, request.body),
  );
  http.delete(
    '/machines/:machine/snapshots/:snapshot',
    { schema: { params, querystring: z.object({ children: z.stringbool().default(false) }) } },
    async (request, reply) => {
      const { machine, snapshot: reference } = request.params;
      const context = { request, reply, verb: 'snapshot delete', machine, schema: deletedSnapshots };
      const { children } = request.query;
      await answerTask(
        tasks,
        context,
        async (progress) => await deleteSnapshot(host, machine, reference, { children }, progress),
      );
    },
  );
  http.post(
    '/machines/:machine/snapshots/:snapshot/revert',
    { schema: { params, body: revertBody } },
    async (request, reply) => {
      const { machine, snapshot: reference } = request.params;
      const context = { request, reply, verb: 'snapshot revert', machine, schema: revertedMachine };
      await answerTask(
        tasks,
        context,
        async (progress) => await revertSnapshot(host, machine, reference, request.body, progress),
      );
    },
  );
}

/** What else stands on checkpoints. */
export function checkpointRoutes(app: App): void {
  const { http, host, tasks } = app;
  const params = machineParams;
  http.post('/machines/:machine/suspend', { schema: { params } }, async (request, reply) => {
    const { machine } = request.params;
    const context = { request, reply, verb: 'suspend', machine, schema: suspendedMachine };
    await answerTask(tasks, context, async (progress) => await suspend(host, machine, progress));
  });
  http.post(
    '/machines/:machine/clone',
    { schema: { params, body: cloneMachine } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'clone', machine, schema: clonedMachines };
      await answerTask(
        tasks,
        context,
        async (progress) => await clone(host, machine, request.body, progress),
      );
    },
  );
}
