import type { powerOperations } from '../../api/power-operations.ts';
import { clone } from '../../vm/clone/clone.ts';
import { pause, unpause } from '../../vm/power/pause.ts';
import { start } from '../../vm/power/start.ts';
import { restart, stop } from '../../vm/power/stop.ts';
import { suspend } from '../../vm/power/suspend.ts';
import type { Handlers } from './handler.ts';

export const powerHandlers: Handlers<keyof typeof powerOperations> = {
  'machines.start': ({ host }, { params, body }, progress) => start(host, params.machine, body, progress),
  'machines.stop': ({ host }, { params, body }, progress) => stop(host, params.machine, body, progress),
  'machines.restart': ({ host }, { params, body }, progress) => restart(host, params.machine, body, progress),
  'machines.pause': ({ host }, { params }, progress) => pause(host, params.machine, progress),
  'machines.unpause': ({ host }, { params }, progress) => unpause(host, params.machine, progress),
  'machines.suspend': ({ host }, { params }, progress) => suspend(host, params.machine, progress),
  'machines.clone': ({ host }, { params, body }, progress) => clone(host, params.machine, body, progress),
};
