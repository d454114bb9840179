import type { Timings } from '../../api/machine.ts';
import { writeRunRecord } from '../../store/run-record.ts';
import type { Running } from '../host/running.ts';

export type TimingName = Exclude<keyof Timings, 'spawnMs' | 'qmpMs'>;

/** Records a time of the start, once, also on disk for the next daemon. */
export async function recordTiming(machine: Running, which: TimingName, ms: number): Promise<void> {
  if (machine.record.timings[which] !== null) return;
  const timings: Timings = { ...machine.record.timings, [which]: ms };
  machine.record = { ...machine.record, timings };
  // One after the other, each with all that is known by then.
  const write = async () => await writeRunRecord(machine.run, machine.record);
  const written = machine.timingsWritten.then(write, write);
  machine.timingsWritten = written.catch(() => undefined);
  await written;
}
