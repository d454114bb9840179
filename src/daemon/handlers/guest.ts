import type { guestOperations } from '../../api/guest-operations.ts';
import type { SoundMessage } from '../../api/sound.ts';
import { addressesOf } from '../../vm/guest/addresses.ts';
import { attachConsole } from '../../vm/guest/console.ts';
import { followLog } from '../../vm/guest/logs.ts';
import { setResolution, showResolution } from '../../vm/guest/resolution.ts';
import { screenshot } from '../../vm/guest/screenshot.ts';
import { recordSound } from '../../vm/sound/record.ts';
import { serveExec } from './exec.ts';
import type { Handler, Handlers } from './handler.ts';
import { serveScreen } from './screen.ts';
import { untilStopped } from './until-stopped.ts';

const serveConsole: Handler<'machines.console'> = async ({ host }, { params }, channel) => {
  const terminal = await attachConsole(host, params.machine);
  channel.onClosed(() => terminal.close());
  // It may be long until the guest prints something.
  void channel.send(Buffer.alloc(0));
  terminal.onData((chunk) => channel.push(chunk));
  terminal.onEnd(() => channel.close('The machine has stopped.'));
  for (let typed = await channel.next(); typed; typed = await channel.next()) terminal.write(typed.data);
};

const serveSound: Handler<'machines.sound'> = async ({ host }, { params, body, signal }, channel) => {
  const tell = async (message: SoundMessage) => await channel.send(JSON.stringify(message));
  const end = await recordSound(host, params.machine, body, {
    signal: untilStopped(channel, signal),
    send: async (part) => {
      if ('sound' in part) await channel.send(part.sound);
      else if ('silence' in part) await tell({ type: 'silence', frames: part.silence });
      else await tell({ type: 'format', ...part });
    },
  });
  await tell(end);
  channel.close();
};

export const guestHandlers: Handlers<keyof typeof guestOperations> = {
  'machines.addresses': ({ host }, { params, signal }) => addressesOf(host, params.machine, signal),
  'machines.screenshot': ({ host }, { params, signal }) => screenshot(host, params.machine, signal),
  'machines.resolution': ({ host }, { params, signal }) => showResolution(host, params.machine, signal),
  'machines.setResolution': ({ host }, { params, body }, progress) =>
    setResolution(host, params.machine, body, progress),
  'machines.sound': serveSound,
  'machines.logs': ({ host }, { params, query, signal }) => followLog(host, params.machine, query, signal),
  'machines.console': serveConsole,
  'machines.screen': serveScreen,
  'machines.exec': serveExec,
};
