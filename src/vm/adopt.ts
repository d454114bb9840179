import { existsSync } from 'node:fs';
import { KameError, messageOf } from '../core/errors.ts';
import { attach } from '../qemu/machine.ts';
import { runNames } from '../store/names.ts';
import { readRunRecord, removeRunDirectory, writeRunRecord } from '../store/run-record.ts';
import { handLock } from '../sys/lock.ts';
import { machineFiles } from './find.ts';
import type { Host } from './host.ts';
import type { MachineFile } from '../store/machine-file.ts';
import { track } from './track.ts';

/** An engine that does not answer in this time is left alone; kame stop --hard ends it. */
const adoptDeadlineMs = 3000;

/** Takes back every machine that runs, after the death of a daemon, and clears away what dead engines left. */
export async function adoptAll(host: Host): Promise<void> {
  const files = await machineFiles(host);
  await Promise.all(
    files.map(async (file) => {
      try {
        await adopt(host, file);
      } catch (error) {
        host.log('A machine could not be adopted', { machine: file.name, reason: messageOf(error) });
      }
    }),
  );
}

/** Takes back one machine if its engine runs. Whether it does, the engine's monitor tells, not a file. */
export async function adopt(host: Host, file: MachineFile): Promise<void> {
  const run = runNames(host.names, file.names.vmx);
  if (!existsSync(run.directory)) return;
  const engine = await attach(run.directory, {
    name: file.name,
    logFile: file.names.log,
    deadlineMs: adoptDeadlineMs,
  });
  if (!engine) {
    await removeRunDirectory(run);
    return;
  }
  const stored = await readRunRecord(run);
  if (!stored) {
    await engine[Symbol.asyncDispose]();
    throw new KameError('BROKEN_MACHINE', `${run.record} is gone or damaged.`);
  }
  // Killed during the start, the daemon had not yet written who the engine is.
  const record = { ...stored, engine: engine.identity };
  await handLock(file.names.lock, { ...engine.identity, purpose: 'qemu' });
  const state = (await engine.status()) === 'running' ? 'running' : 'paused';
  await writeRunRecord(run, record);
  track(host, {
    names: file.names,
    run,
    name: file.name,
    id: file.content?.spec.uuid ?? '',
    engine,
    record,
    state,
  });
  host.log('Adopted a running machine', { machine: file.name, pid: engine.identity.pid, state });
}
