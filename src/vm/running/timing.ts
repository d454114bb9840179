import type { Timings } from '../../api/machine.ts';
import { writeRunRecord } from '../../store/run-record.ts';
import type { Running } from '../host/running.ts';

/** Records a time of the start, once, also on disk for the next daemon. */
export async function recordTiming(machine: Running, which: 'bootMs' | 'agentMs', ms: number): Promise<void> {
  if (machine.record.timings[which] !== null) return;
  const timings: Timings = { ...machine.record.timings, [which]: ms };
  machine.record = { ...machine.record, timings };
  await writeRunRecord(machine.run, machine.record);
}
