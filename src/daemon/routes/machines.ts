import * as z from 'zod';
import type { App } from '../app.ts';
import { answerTask } from '../answer.ts';
import {
  addresses,
  createMachine,
  launchPlan,
  machine,
  machineDetails,
  restartMachine,
  settings,
  startedMachine,
  startMachine,
  stopMachine,
} from '../../api/machine.ts';
import { addressesOf } from '../../vm/guest/addresses.ts';
import { create } from '../../vm/library/create.ts';
import { list, show } from '../../vm/running/describe.ts';
import { remove } from '../../vm/library/delete.ts';
import { register, unregister } from '../../vm/library/register.ts';
import { rename } from '../../vm/library/rename.ts';
import { pause, unpause } from '../../vm/power/pause.ts';
import { screenshot } from '../../vm/guest/screenshot.ts';
import { changeSettings } from '../../vm/library/settings.ts';
import { planStart, start } from '../../vm/power/start.ts';
import { restart, stop } from '../../vm/power/stop.ts';

export const machineParams = z.object({ machine: z.string().min(1).max(4096) });
const done = z.object({ ok: z.literal(true) });

/** What is there, what it is called, and how it is set. */
export function inventoryRoutes(app: App): void {
  const { http, host, tasks } = app;
  http.get('/machines', { schema: { response: { 200: z.array(machine) } } }, async () => await list(host));
  http.post('/machines', { schema: { body: createMachine } }, async (request, reply) => {
    const { body } = request;
    const context = { request, reply, verb: 'create', machine: body.name, schema: machineDetails };
    await answerTask(tasks, context, async (progress) => await create(host, body, progress));
  });
  http.post(
    '/machines/register',
    {
      schema: { body: z.object({ path: z.string().max(4096) }).strict(), response: { 200: machineDetails } },
    },
    async (request) => await register(host, request.body.path),
  );
  http.get(
    '/machines/:machine',
    { schema: { params: machineParams, response: { 200: machineDetails } } },
    async (request) => await show(host, request.params.machine),
  );
  http.patch(
    '/machines/:machine',
    { schema: { params: machineParams, body: settings, response: { 200: machineDetails } } },
    async (request) => await changeSettings(host, request.params.machine, request.body.settings),
  );
  http.post(
    '/machines/:machine/rename',
    {
      schema: {
        params: machineParams,
        body: z.object({ name: z.string() }).strict(),
        response: { 200: machineDetails },
      },
    },
    async (request) => await rename(host, request.params.machine, request.body.name),
  );
  http.delete(
    '/machines/:machine',
    { schema: { params: machineParams, response: { 200: done } } },
    async (request) => {
      await remove(host, request.params.machine);
      return { ok: true as const };
    },
  );
  http.post(
    '/machines/:machine/unregister',
    { schema: { params: machineParams, response: { 200: done } } },
    async (request) => {
      await unregister(host, request.params.machine);
      return { ok: true as const };
    },
  );
}

/** Power, and what a running machine shows. */
export function powerRoutes(app: App): void {
  const { http, host, tasks } = app;
  const params = machineParams;
  http.get(
    '/machines/:machine/plan',
    { schema: { params, response: { 200: launchPlan } } },
    async (request) => await planStart(host, request.params.machine, new AbortController().signal),
  );
  http.post(
    '/machines/:machine/start',
    { schema: { params, body: startMachine } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'start', machine, schema: startedMachine };
      await answerTask(
        tasks,
        context,
        async (progress) => await start(host, machine, request.body, progress),
      );
    },
  );
  http.post('/machines/:machine/stop', { schema: { params, body: stopMachine } }, async (request, reply) => {
    const name = request.params.machine;
    const context = { request, reply, verb: 'stop', machine: name, schema: machine };
    await answerTask(tasks, context, async (progress) => await stop(host, name, request.body, progress));
  });
  http.post(
    '/machines/:machine/restart',
    { schema: { params, body: restartMachine } },
    async (request, reply) => {
      const { machine } = request.params;
      const context = { request, reply, verb: 'restart', machine, schema: startedMachine };
      await answerTask(
        tasks,
        context,
        async (progress) => await restart(host, machine, request.body, progress),
      );
    },
  );
  http.post(
    '/machines/:machine/pause',
    { schema: { params, response: { 200: machine } } },
    async (request) => await pause(host, request.params.machine),
  );
  http.post(
    '/machines/:machine/unpause',
    { schema: { params, response: { 200: machine } } },
    async (request) => await unpause(host, request.params.machine),
  );
  http.get(
    '/machines/:machine/addresses',
    { schema: { params, response: { 200: addresses } } },
    async (request) => await addressesOf(host, request.params.machine),
  );
  http.get('/machines/:machine/screenshot', { schema: { params } }, async (request, reply) => {
    const image = await screenshot(host, request.params.machine);
    return await reply.type('image/png').send(image);
  });
}
