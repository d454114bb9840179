import { messageOf } from '../../core/errors.ts';
import { silentProgress } from '../../core/progress.ts';
import { appendLog } from '../../store/bundle.ts';
import { hold } from '../host/hold.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { powerOn } from './start.ts';

/** Boots a restored machine after its guest has reset itself: the engine of a restore has no kernel to boot, so it ended. */
export async function startAfterReset(host: Host, machine: Running): Promise<void> {
  const { name, names } = machine;
  try {
    await appendLog(names, 'the guest has reset itself; starting the machine again');
    await hold(
      host,
      names.vmx,
      'restart',
      async ({ bundle }) => await powerOn(host, bundle, silentProgress()),
    );
  } catch (error) {
    host.log('Could not start a machine after its reset', { machine: name, reason: messageOf(error) });
    await appendLog(names, `could not start it after its reset: ${messageOf(error)}`);
  }
}
