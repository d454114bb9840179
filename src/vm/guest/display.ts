import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { runningMachine } from '../host/state.ts';

/** A running machine with a display, whose engine answers. @throws KameError NO_SUCH_MACHINE, WRONG_STATE, ENGINE_* */
export async function machineWithDisplay(
  host: Host,
  reference: string,
  progress: Progress,
): Promise<Running> {
  const machine = await runningMachine(host, reference);
  const { content } = await host.bundles.read(machine.names.vmx);
  if (content && !content.model.display.present) {
    throw new KameError('WRONG_STATE', `${machine.name} has no display.`, {
      next: `kame set ${machine.name} display=on adds one at the next start.`,
    });
  }
  await machine.engine.for(progress).requireAnswer();
  return machine;
}
