import type { StartedMachine } from '../api/machine.ts';
import { formatDuration } from '../core/units.ts';

/** The result of a start, in one sentence. */
export function startedText(machine: StartedMachine): string {
  const { timings, waitedFor } = machine;
  const waits = {
    agent: ['agent answered', timings.agentMs],
    boot: ['first console line', timings.bootMs],
    network: ['address', timings.networkMs],
    login: ['login prompt', timings.loginMs],
    none: ['engine answered', timings.qmpMs],
  } as const;
  const [what, ms] = waits[waitedFor];
  const after = ms === null ? what : `${what} after ${formatDuration(ms)}`;
  const reason = machine.acceleratorReason === '' ? '' : ` (${machine.acceleratorReason})`;
  const on = machine.accelerator === null ? '' : ` on ${machine.accelerator}${reason}`;
  const ip = machine.ip === null ? '' : `, ${machine.ip}`;
  return `${machine.name} is ${machine.state}: ${after}${on}${ip}`;
}
