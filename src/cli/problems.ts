import type { MachineDetails } from '../api/machine.ts';
import type { Session } from './session.ts';

/** Prints the problems of a machine after an operation that succeeded. With --json they are in `problems`. */
export function noteProblems(session: Session, { name, problems }: MachineDetails): void {
  for (const { severity, message } of problems) session.note(`${name}: ${severity}: ${message}`);
}
