import type { fileOperations } from '../../api/file-operations.ts';
import type { GetMessage, PutMessage } from '../../api/file-transfer.ts';
import { getFiles } from '../../vm/copy/get.ts';
import { putFiles } from '../../vm/copy/put.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

const put: Handler<'files.put'> = async ({ host }, { params, body, signal }, channel) => {
  const tell = (message: PutMessage) => void channel.send(JSON.stringify(message));
  const end = await putFiles(host, params.machine, body, {
    archive: untilEmpty(channel),
    signal,
    report: ({ stage }) => tell({ type: 'waiting', stage }),
    onRead: (bytes) => tell({ type: 'progress', bytes }),
  });
  await channel.send(JSON.stringify({ type: 'end', ...end } satisfies PutMessage));
  channel.close();
};

const get: Handler<'files.get'> = async ({ host }, { params, body, signal }, channel) => {
  const stopped = new AbortController();
  // Any message of the client ends the copy, and so does its end.
  void channel.next().then(() => stopped.abort());
  const tell = async (message: GetMessage) => await channel.send(JSON.stringify(message));
  const bytes = await getFiles(host, params.machine, body, {
    signal: AbortSignal.any([signal, stopped.signal]),
    report: ({ stage }) => void tell({ type: 'waiting', stage }),
    send: async (data) => await channel.send(data),
  });
  await tell({ type: 'end', bytes });
  channel.close();
};

export const fileHandlers: Handlers<keyof typeof fileOperations> = { 'files.put': put, 'files.get': get };
