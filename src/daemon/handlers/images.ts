import type { imageOperations } from '../../api/image-operations.ts';
import { deleteImage, importImageFile, listImages, pull } from '../../vm/library/images.ts';
import type { Handlers } from './handler.ts';

export const imageHandlers: Handlers<keyof typeof imageOperations> = {
  'images.list': ({ host }) => listImages(host),
  'images.pull': ({ host }, { body }, progress) => pull(host, body, progress),
  'images.import': ({ host }, { body }, progress) => importImageFile(host, body, progress),
  'images.delete': async ({ host }, { params, query }) => {
    await deleteImage(host, params.image, query.arch);
    return { ok: true };
  },
};
