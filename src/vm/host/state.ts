import { KameError } from '../../core/errors.ts';
import type { MachineState } from '../../api/machine.ts';
import type { MachineFile } from '../../store/bundle.ts';
import { findMachine } from './find.ts';
import type { Host } from './host.ts';
import type { RunningMachine } from './running.ts';

/** A machine's state, from facts: its engine, or else what its files say. */
export function stateOf(host: Host, file: MachineFile): MachineState {
  const running = host.running.get(file.names.vmx);
  if (running) return running.state;
  if (file.broken !== null || !file.content) return 'broken';
  return file.content.spec.suspendedState === '' ? 'stopped' : 'suspended';
}

/** The engine of a machine. @throws KameError NO_SUCH_MACHINE, WRONG_STATE when it does not run */
export async function runningMachine(host: Host, reference: string): Promise<RunningMachine> {
  const file = await findMachine(host, reference);
  const running = host.running.get(file.names.vmx);
  if (!running) {
    throw new KameError('WRONG_STATE', `${file.name} is not running: it is ${stateOf(host, file)}.`, {
      next: `kame start ${file.name} starts it.`,
      details: { machine: file.name },
    });
  }
  return running;
}

/** @throws KameError WRONG_STATE when the machine runs */
export function refuseRunning(host: Host, file: MachineFile, participle: string): void {
  const running = host.running.get(file.names.vmx);
  if (running) {
    throw new KameError('WRONG_STATE', `${file.name} is ${running.state}; it can’t be ${participle} now.`, {
      next: `kame stop ${file.name} stops it.`,
      details: { machine: file.name },
    });
  }
}
