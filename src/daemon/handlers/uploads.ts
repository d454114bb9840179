import type { uploadOperations } from '../../api/upload-operations.ts';
import type { SendUploadMessage } from '../../api/upload.ts';
import { discardUpload, listUploads, receiveMachine } from '../../vm/import/upload.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

const send: Handler<'uploads.send'> = async ({ host }, { body }, channel) => {
  const tell = async (message: SendUploadMessage) => await channel.send(JSON.stringify(message));
  const path = await receiveMachine(host, body.files, untilEmpty(channel), {
    ready: (offset) => void tell({ type: 'ready', offset }),
    received: (bytes) => void tell({ type: 'progress', bytes }),
  });
  await tell({ type: 'end', path });
  channel.close();
};

export const uploadHandlers: Handlers<keyof typeof uploadOperations> = {
  'uploads.list': ({ host }) => listUploads(host),
  'uploads.send': send,
  'uploads.delete': async ({ host }, { params }) => {
    await discardUpload(host, params.upload);
    return { ok: true };
  },
};
