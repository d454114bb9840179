import type { ClipboardMessage, ClipboardSet } from '../../api/clipboard.ts';
import type { clipboardOperations } from '../../api/clipboard-operations.ts';
import { readClipboard, showClipboard, writeClipboard } from '../../vm/clipboard/clipboard.ts';
import { watchClipboard } from '../../vm/clipboard/watch.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

const messageBytes = 64 * 1024;

const serveGet: Handler<'clipboard.get'> = async ({ host }, { params, body, signal }, channel) => {
  const send = async (message: ClipboardMessage) => await channel.send(JSON.stringify(message));
  const { type, data } = await readClipboard(host, params.machine, body, signal);
  await send({ type: 'content', contentType: type, sizeBytes: data.length });
  for (let at = 0; at < data.length && !signal.aborted; at += messageBytes)
    await channel.send(data.subarray(at, at + messageBytes));
  await send({ type: 'end' });
  channel.close();
};

const serveSet: Handler<'clipboard.set'> = async ({ host }, { params, body, signal }, channel) => {
  const sizeBytes = await writeClipboard(host, params.machine, body, { chunks: untilEmpty(channel), signal });
  const done: ClipboardSet = { type: 'set', sizeBytes };
  await channel.send(JSON.stringify(done));
  channel.close();
};

const serveWatch: Handler<'clipboard.watch'> = async ({ host }, { params, signal }, channel) => {
  await watchClipboard(host, params.machine, {
    signal,
    send: async (status) => await channel.send(JSON.stringify(status)),
  });
  channel.close('The machine has stopped.');
};

export const clipboardHandlers: Handlers<keyof typeof clipboardOperations> = {
  'clipboard.show': ({ host }, { params, signal }) => showClipboard(host, params.machine, signal),
  'clipboard.get': serveGet,
  'clipboard.set': serveSet,
  'clipboard.watch': serveWatch,
};
