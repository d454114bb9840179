import * as z from 'zod';
import { daemonStatus, doctor, task } from '../../api/messages.ts';
import { ndjson } from '../../api/paths.ts';
import { diagnose } from '../../vm/recovery/doctor.ts';
import { answerTask } from '../answer.ts';
import type { App } from '../app.ts';

/** A listener that reads more slowly than things happen is cut off, so that it costs no memory. */
const maxUnreadBytes = 1024 * 1024;

/** The daemon itself: status, stop, tasks, events, doctor. */
export function daemonRoutes(app: App): void {
  const { http, host, tasks, daemon } = app;
  http.get('/daemon', { schema: { response: { 200: daemonStatus } } }, async () => ({
    running: true,
    pid: process.pid,
    version: daemon.version,
    home: host.names.home,
    socket: daemon.socket,
    startedAt: daemon.startedAt.toISOString(),
    machines: (await host.inventory.paths()).length,
    runningMachines: host.running.size,
    rssBytes: process.memoryUsage.rss(),
  }));
  http.post(
    '/daemon/stop',
    { schema: { response: { 200: z.object({ ok: z.literal(true) }) } } },
    (_request, reply) => {
      reply.raw.once('finish', daemon.requestStop);
      void reply.send({ ok: true });
    },
  );
  http.get('/tasks', { schema: { response: { 200: z.array(task) } } }, () => tasks.list());
  http.delete(
    '/tasks/:id',
    {
      schema: {
        params: z.object({ id: z.uuid() }),
        response: { 200: z.object({ found: z.boolean() }) },
      },
    },
    (request) => ({ found: tasks.cancel(request.params.id) }),
  );
  http.post(
    '/doctor',
    { schema: { body: z.object({ fresh: z.boolean().default(false) }).strict() } },
    async (request, reply) => {
      const context = { request, reply, verb: 'doctor', machine: null, schema: doctor };
      await answerTask(tasks, context, async (progress) => await diagnose(host, request.body, progress));
    },
  );
  http.get('/events', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': ndjson, 'cache-control': 'no-store' });
    reply.raw.flushHeaders();
    const listening = host.events.listen((event) => {
      reply.raw.write(`${JSON.stringify(event)}\n`);
      if (reply.raw.writableLength > maxUnreadBytes) reply.raw.destroy();
    });
    reply.raw.once('close', () => listening[Symbol.dispose]());
  });
}
