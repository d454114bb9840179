import type { nicOperations } from '../../api/nic-operations.ts';
import { addNic } from '../../vm/nic/add.ts';
import { capture } from '../../vm/nic/capture.ts';
import { listNics } from '../../vm/nic/list.ts';
import { removeNic } from '../../vm/nic/remove.ts';
import { setNic } from '../../vm/nic/set.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilStopped } from './until-stopped.ts';

const serveCapture: Handler<'nics.capture'> = async ({ host }, { params, body, signal }, channel) => {
  const end = await capture(host, params.machine, body, {
    signal: untilStopped(channel, signal),
    send: async (data) => await channel.send(data),
  });
  await channel.send(JSON.stringify(end));
  channel.close();
};

export const nicHandlers: Handlers<keyof typeof nicOperations> = {
  'nics.list': ({ host }, { params }) => listNics(host, params.machine),
  'nics.add': ({ host }, { params, body, signal }) => addNic(host, params.machine, body, signal),
  'nics.set': ({ host }, { params, body }) => setNic(host, params.machine, Number(params.nic), body),
  'nics.remove': ({ host }, { params, signal }) =>
    removeNic(host, params.machine, Number(params.nic), { signal }),
  'nics.capture': serveCapture,
};
