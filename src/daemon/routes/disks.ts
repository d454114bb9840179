import * as z from 'zod';
import type { App } from '../app.ts';
import { answerTask, clientSignal } from '../answer.ts';
import {
  addDisk as addBody,
  checkDisk as checkBody,
  checkedDisks,
  compactedDisk,
  growDisk as growBody,
  machineDisk,
  removedDisk,
} from '../../api/checkpoint.ts';
import { silentProgress } from '../../core/progress.ts';
import { addDisk } from '../../vm/disk/add.ts';
import { checkDisks } from '../../vm/disk/check.ts';
import { compactDisk } from '../../vm/disk/compact.ts';
import { growDisk } from '../../vm/disk/grow.ts';
import { listDisks } from '../../vm/disk/list.ts';
import { removeDisk } from '../../vm/disk/remove.ts';
import { machineParams } from './machines.ts';

const diskParams = machineParams.extend({ disk: z.string().min(1).max(4096) });
const removeQuery = z.object({ keepFile: z.stringbool().default(false) });

/** The disks of a machine: what there are, and one more or less. */
export function diskRoutes(app: App): void {
  const { http, host, tasks } = app;
  http.get(
    '/machines/:machine/disks',
    { schema: { params: machineParams, response: { 200: z.array(machineDisk) } } },
    async (request) => await listDisks(host, request.params.machine),
  );
  http.post(
    '/machines/:machine/disks',
    { schema: { params: machineParams, body: addBody } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'disk add', machine, schema: machineDisk };
      await answerTask(
        tasks,
        context,
        async (progress) => await addDisk(host, machine, request.body, progress),
      );
    },
  );
  http.delete(
    '/machines/:machine/disks/:disk',
    { schema: { params: diskParams, querystring: removeQuery, response: { 200: removedDisk } } },
    async (request, reply) => {
      const { machine, disk } = request.params;
      const { keepFile } = request.query;
      return await removeDisk(host, machine, disk, { keepFile }, silentProgress(clientSignal(reply)));
    },
  );
}

/** Work on what is in the files of disks. */
export function diskWorkRoutes(app: App): void {
  const { http, host, tasks } = app;
  const params = diskParams;
  http.post(
    '/machines/:machine/disks/:disk/grow',
    { schema: { params, body: growBody } },
    async (request, reply) => {
      const { machine, disk } = request.params;
      const context = { request, reply, verb: 'disk grow', machine, schema: machineDisk };
      await answerTask(
        tasks,
        context,
        async (progress) => await growDisk(host, machine, disk, request.body, progress),
      );
    },
  );
  http.post('/machines/:machine/disks/:disk/compact', { schema: { params } }, async (request, reply) => {
    const { machine, disk } = request.params;
    const context = { request, reply, verb: 'disk compact', machine, schema: compactedDisk };
    await answerTask(tasks, context, async (progress) => await compactDisk(host, machine, disk, progress));
  });
  http.post(
    '/machines/:machine/disks/:disk/check',
    { schema: { params, body: checkBody } },
    async (request, reply) => {
      const { machine, disk } = request.params;
      const context = { request, reply, verb: 'disk check', machine, schema: checkedDisks };
      await answerTask(
        tasks,
        context,
        async (progress) => await checkDisks(host, machine, disk, request.body, progress),
      );
    },
  );
  http.post(
    '/machines/:machine/disks/check',
    { schema: { params: machineParams, body: checkBody } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'disk check', machine, schema: checkedDisks };
      await answerTask(
        tasks,
        context,
        async (progress) => await checkDisks(host, machine, null, request.body, progress),
      );
    },
  );
}
