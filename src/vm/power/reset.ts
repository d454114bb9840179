import { messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { appendLog } from '../../store/bundle.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { powerOn } from './start.ts';

/** Boots a restored machine whose guest has reset itself: its engine had no kernel to boot, and ended. */
export async function startAfterReset(host: Host, machine: Running): Promise<void> {
  const { name, names } = machine;
  try {
    await appendLog(names, 'its guest has reset itself; it is booted again');
    await hold(
      host,
      names.vmx,
      'restart',
      async ({ bundle }) => await powerOn(host, bundle, silentProgress()),
    );
  } catch (error) {
    host.log('A machine was not started after its reset', { machine: name, reason: messageOf(error) });
    await appendLog(names, `it was not started after its reset: ${messageOf(error)}`);
  }
}
