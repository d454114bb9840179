import type { Timings } from '../../api/machine.ts';
import type { Running } from '../host/running.ts';
import { changeRecord } from './record.ts';

export type TimingName = Exclude<keyof Timings, 'spawnMs' | 'qmpMs'>;

/** Records a time of the start, once, also on disk for the next daemon. */
export async function recordTiming(machine: Running, which: TimingName, ms: number): Promise<void> {
  if (machine.record.timings[which] !== null) return;
  const timings: Timings = { ...machine.record.timings, [which]: ms };
  await changeRecord(machine, { timings });
}
