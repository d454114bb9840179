import type { StartedMachine } from '../api/machine.ts';
import { formatDuration } from '../core/units.ts';

/** The result of a start, in one sentence. */
export function startedText(machine: StartedMachine): string {
  const { timings, waitedFor } = machine;
  const ms = { agent: timings.agentMs, boot: timings.bootMs, none: timings.qmpMs }[waitedFor];
  const what = { agent: 'agent answered', boot: 'first console line', none: 'engine answered' }[waitedFor];
  const after = ms === null ? what : `${what} after ${formatDuration(ms)}`;
  const reason = machine.acceleratorReason === '' ? '' : ` (${machine.acceleratorReason})`;
  const on = machine.accelerator === null ? '' : ` on ${machine.accelerator}${reason}`;
  const ip = machine.ip === null ? '' : `, ${machine.ip}`;
  return `${machine.name} is ${machine.state}: ${after}${on}${ip}`;
}
