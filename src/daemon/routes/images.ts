import * as z from 'zod';
import { image, importImage, pullImage } from '../../api/messages.ts';
import { arch } from '../../api/machine.ts';
import { deleteImage, importImageFile, listImages, pull } from '../../vm/library/images.ts';
import { answerTask } from '../answer.ts';
import type { App } from '../app.ts';

/** The image catalogue and what is cached of it. */
export function imageRoutes(app: App): void {
  const { http, host, tasks } = app;
  http.get('/images', { schema: { response: { 200: z.array(image) } } }, async () => await listImages(host));
  http.post('/images/pull', { schema: { body: pullImage } }, async (request, reply) => {
    const context = { request, reply, verb: 'image pull', machine: null, schema: image };
    await answerTask(tasks, context, async (progress) => await pull(host, request.body, progress));
  });
  http.post('/images/import', { schema: { body: importImage } }, async (request, reply) => {
    const context = { request, reply, verb: 'image import', machine: null, schema: image };
    await answerTask(tasks, context, async (progress) => await importImageFile(host, request.body, progress));
  });
  http.delete(
    '/images/:id',
    {
      schema: {
        params: z.object({ id: z.string().max(4096) }),
        querystring: z.object({ arch: arch.optional() }),
        response: { 200: z.object({ ok: z.literal(true) }) },
      },
    },
    async (request) => {
      await deleteImage(host, request.params.id, request.query.arch);
      return { ok: true as const };
    },
  );
}
