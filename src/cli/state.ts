import type { Machine, MachineState } from '../api/machine.ts';
import { shellQuote } from '../core/shell-word.ts';
import { formatSize } from '../core/units.ts';
import type { Colour, Session } from './session.ts';
import type { Cell } from './table.ts';

const colours: Partial<Record<MachineState, Colour>> = {
  running: 'green',
  paused: 'yellow',
  suspended: 'yellow',
  unreachable: 'red',
  broken: 'red',
};

/** A machine's state as a table cell. */
export function stateCell(state: MachineState, session: Session): Cell {
  const colour = colours[state];
  return { text: state, paint: colour && session.paint(colour) };
}

/** The number of CPUs; a dash if the `.vmx` cannot be read. */
export function cpusText({ arch, cpus }: Machine): string {
  return arch === null ? '-' : String(cpus);
}

/** The size of the memory; a dash if the `.vmx` cannot be read. */
export function memoryText({ arch, memoryBytes }: Machine): string {
  return arch === null ? '-' : formatSize(memoryBytes);
}

/** How to start suspended machines. */
export function suspendedAdvice(names: readonly string[]): string {
  const [first] = names;
  const name = names.length === 1 && first !== undefined ? shellQuote(first) : 'NAME';
  return `\`kame start ${name}\` resumes it; \`kame start ${name} --discard-state\` starts it from its disks, and unsaved data in the guest is lost.`;
}
