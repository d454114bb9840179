import type { agentPort } from '../../qemu/plan/channels.ts';
import type { Running } from '../host/running.ts';

/** Whether a program in the guest has a port open. False for a port that the machine does not have. */
export async function portIsOpen(
  machine: Running,
  { chardev }: Pick<typeof agentPort, 'chardev'>,
): Promise<boolean> {
  const chardevs = await machine.engine.qmp.execute('query-chardev');
  return chardevs.some(({ label, 'frontend-open': open }) => label === chardev && open);
}
