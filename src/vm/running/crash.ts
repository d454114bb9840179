import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { repairLeaks } from '../../disk/repair.ts';
import { deathText, type RamSpace } from '../../qemu/engine-death.ts';
import { pidFileIn } from '../../qemu/plan/sockets.ts';
import { appendLog, type Bundle } from '../../store/bundle.ts';
import { readJournal } from '../../store/journal.ts';
import { resolveIn, type RunNames } from '../../store/names.ts';
import { readRunRecord } from '../../store/run-record.ts';
import { exists } from '../../sys/files.ts';
import { qemuImg } from '../engine/engine.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

/** How and why an engine ended that nobody asked to, in one line. */
export async function deathOf({ engine, name, record }: Running): Promise<string> {
  const end = await engine.end();
  const ram = record.ram && (await spaceOf(dirname(record.ram.path)));
  const text = deathText({ machine: name, end, words: engine.lastWords(), ram });
  return `${text} kame logs ${name} shows all of its output.`;
}

/**
 * Records how an engine ended while no daemon was connected to it, if nobody asked it to: QEMU removes its pid file when it exits in order.
 * Called before the run directory and the RAM are removed, which tell it.
 */
export async function noteUnseenDeath(host: Host, bundle: Bundle, run: RunNames): Promise<void> {
  const record = await readRunRecord(run);
  // An engine that was still being started, or restored, is not yet a machine that ran.
  if (!record?.engine || record.restored.startsWith('loading')) return;
  if (!(await exists(pidFileIn(run.directory)))) return;
  const ram = record.ram && (await spaceOf(dirname(record.ram.path)));
  const text = deathText({ machine: bundle.name, end: null, words: null, ram });
  const told = `${text} kame logs ${bundle.name} shows all of its output.`;
  host.running.noteDeath(bundle.names.vmx, told);
  host.log(told, { machine: bundle.name });
  await appendLog(bundle.names, told);
}

async function spaceOf(directory: string): Promise<RamSpace | null> {
  try {
    const { blocks, bavail, bsize } = await statfs(directory);
    return { directory, bytes: blocks * bsize, bytesFree: bavail * bsize };
  } catch {
    return null;
  }
}

/**
 * Repairs leaked clusters that a killed engine left in the layers it wrote to. Leaks are harmless, but a check of the disk
 * would report them. Any other damage is logged and left as it is.
 */
export async function repairAfterCrash(host: Host, vmx: string): Promise<void> {
  const bundle = await host.bundles.read(vmx);
  const journal = await readJournal(host.names, bundle.names).catch(() => undefined);
  const newLayers =
    journal?.kind === 'layer' ? journal.layers.map(({ to }) => join(bundle.names.directory, to)) : [];
  const tops = (bundle.content?.model.disks ?? []).map((disk) => resolveIn(bundle.names, disk.fileName));
  for (const path of new Set([...tops, ...newLayers])) {
    try {
      const repaired = await repairLeaks({ qemuImg: await qemuImg(host), path });
      if (repaired > 0) await appendLog(bundle.names, `${repaired} leaked clusters of ${path} were freed`);
    } catch (error) {
      host.log('Could not repair a disk after a crash', {
        machine: bundle.name,
        path,
        reason: messageOf(error),
      });
    }
  }
}
