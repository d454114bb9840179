import { writeRunRecord, type RunRecord } from '../../store/run-record.ts';
import type { Running } from '../host/running.ts';

/**
 * Changes a part of what the next daemon must know of a running machine. One write follows the other, each with all that
 * is known by then, so that none undoes another.
 * @throws KameError DISK_FULL, FILE_ACCESS
 */
export async function changeRecord(machine: Running, part: Partial<RunRecord>): Promise<void> {
  machine.record = { ...machine.record, ...part };
  const write = async () => await writeRunRecord(machine.run, machine.record);
  const written = machine.recordWritten.then(write);
  machine.recordWritten = written.catch(() => undefined);
  await written;
}
