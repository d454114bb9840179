import type { guestOperations } from '../../api/guest-operations.ts';
import type { ExecMessage } from '../../api/messages.ts';
import { addressesOf } from '../../vm/guest/addresses.ts';
import { attachConsole } from '../../vm/guest/console.ts';
import { execute } from '../../vm/guest/exec.ts';
import { followLog } from '../../vm/guest/logs.ts';
import { screenshot } from '../../vm/guest/screenshot.ts';
import type { Handler, Handlers } from './handler.ts';
import { untilEmpty } from './until-empty.ts';

const serveConsole: Handler<'machines.console'> = async ({ host }, { params }, channel) => {
  const terminal = await attachConsole(host, params.machine);
  channel.onClosed(() => terminal.close());
  terminal.onData((chunk) => channel.push(chunk));
  terminal.onEnd(() => channel.close('The machine has stopped.'));
  for (let typed = await channel.next(); typed; typed = await channel.next()) terminal.write(typed);
};

const serveExec: Handler<'machines.exec'> = async ({ host }, { params, body, signal }, channel) => {
  const send = async (message: ExecMessage) => await channel.send(JSON.stringify(message));
  const result = await execute(host, params.machine, body, {
    ...(body.stdin ? { stdin: untilEmpty(channel) } : {}),
    signal,
    report: ({ stage }) => void send({ type: 'waiting', stage }),
    onOutput: async (stream, chunk) => await send({ type: stream, data: chunk.toString('base64') }),
  });
  await send({ type: 'exit', exitCode: result.exitCode, signal: result.signal });
  channel.close();
};

export const guestHandlers: Handlers<keyof typeof guestOperations> = {
  'machines.addresses': ({ host }, { params, signal }) => addressesOf(host, params.machine, signal),
  'machines.screenshot': ({ host }, { params, signal }) => screenshot(host, params.machine, signal),
  'machines.logs': ({ host }, { params, query, signal }) => followLog(host, params.machine, query, signal),
  'machines.console': serveConsole,
  'machines.exec': serveExec,
};
