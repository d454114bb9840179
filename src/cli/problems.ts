import type { MachineDetails } from '../api/machine.ts';
import type { Session } from './session.ts';

/** Tells what is odd about a machine, though it was done as asked. With --json it stands in `problems`. */
export function noteProblems(session: Session, { name, problems }: MachineDetails): void {
  for (const { severity, message } of problems) session.note(`${name}: ${severity}: ${message}`);
}
