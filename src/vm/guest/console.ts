import type { Terminal } from '../../qemu/console-hub.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';

/** Opens a terminal on the serial console of a machine. @throws KameError WRONG_STATE when it is not running */
export async function attachConsole(host: Host, reference: string): Promise<Terminal> {
  return await (await runningMachine(host, reference)).channels.console.attach();
}
