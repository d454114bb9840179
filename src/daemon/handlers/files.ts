import type { fileOperations } from '../../api/file-operations.ts';
import type { DropMessage, GetMessage, PutMessage } from '../../api/file-transfer.ts';
import { dropFiles } from '../../vm/drop/drop.ts';
import { getFiles } from '../../vm/copy/get.ts';
import { putFiles } from '../../vm/copy/put.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';
import { untilStopped } from './until-stopped.ts';

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
  const tell = async (message: GetMessage) => await channel.send(JSON.stringify(message));
  const bytes = await getFiles(host, params.machine, body, {
    signal: untilStopped(channel, signal),
    report: ({ stage }) => void tell({ type: 'waiting', stage }),
    send: async (data) => await channel.send(data),
  });
  await tell({ type: 'end', bytes });
  channel.close();
};

const drop: Handler<'files.drop'> = async ({ host }, { params, signal }, channel) => {
  const tell = async (message: DropMessage) => await channel.send(JSON.stringify(message));
  const files = await dropFiles(host, params.machine, {
    archive: untilEmpty(channel),
    signal,
    report: () => undefined,
    onRead: (bytes) => void tell({ type: 'progress', bytes }),
  });
  await tell({ type: 'end', files });
  channel.close();
};

export const fileHandlers: Handlers<keyof typeof fileOperations> = {
  'files.put': put,
  'files.get': get,
  'files.drop': drop,
};
