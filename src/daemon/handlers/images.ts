import type { imageOperations } from '../../api/image-operations.ts';
import type { UploadMessage } from '../../api/image-upload.ts';
import { deleteImage, importImageFile, listImages, pull, uploadImageFile } from '../../vm/library/images.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

const upload: Handler<'images.upload'> = async ({ host }, { body, signal }, channel) => {
  const tell = (message: UploadMessage) => void channel.send(JSON.stringify(message));
  const notices = {
    ready: (offset: number) => tell({ type: 'ready', offset }),
    received: (bytes: number) => tell({ type: 'progress', bytes }),
  };
  const report = ({ stage }: { stage: string }) => tell({ type: 'importing', stage });
  const image = await uploadImageFile(host, body, untilEmpty(channel), notices, { signal, report });
  await channel.send(JSON.stringify({ type: 'end', image } satisfies UploadMessage));
  channel.close();
};

export const imageHandlers: Handlers<keyof typeof imageOperations> = {
  'images.list': ({ host }) => listImages(host),
  'images.pull': ({ host }, { body }, progress) => pull(host, body, progress),
  'images.import': ({ host }, { body }, progress) => importImageFile(host, body, progress),
  'images.upload': upload,
  'images.delete': async ({ host }, { params, query }) => {
    await deleteImage(host, params.image, query.arch);
    return { ok: true };
  },
};
