import type { MachineState } from '../../api/machine.ts';
import { KameError } from '../../core/errors.ts';
import type { Bundle } from '../../store/bundle.ts';
import { findBundle } from './find.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';
import { cannot, type Verb } from './verbs.ts';

/** The state of a machine: from its engine if one runs, otherwise from its files. */
export function stateOf(host: Host, bundle: Bundle): MachineState {
  const running = host.running.get(bundle.names.vmx);
  if (running) return running.state;
  if (bundle.broken !== null || !bundle.content) return 'broken';
  return bundle.content.model.suspendedState === '' ? 'stopped' : 'suspended';
}

/** The running machine of a bundle. @throws KameError WRONG_STATE when it is not running */
export function requireRunning(host: Host, bundle: Bundle): Running {
  const running = host.running.get(bundle.names.vmx);
  if (running) return running;
  throw new KameError('WRONG_STATE', `${bundle.name} is not running: it is ${stateOf(host, bundle)}.`, {
    next: `kame start ${bundle.name} starts it.`,
    details: { machine: bundle.name },
  });
}

/** Finds a running machine. @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it is not running */
export async function runningMachine(host: Host, reference: string): Promise<Running> {
  return requireRunning(host, await findBundle(host, reference));
}

/** @throws KameError WRONG_STATE when the machine is running */
export function refuseRunning(host: Host, bundle: Bundle, verb: Verb): void {
  const running = host.running.get(bundle.names.vmx);
  if (!running) return;
  throw new KameError('WRONG_STATE', `${cannot(verb, bundle.name)} while it is ${running.state}.`, {
    next: `kame stop ${bundle.name} stops it.`,
    details: { machine: bundle.name },
  });
}
