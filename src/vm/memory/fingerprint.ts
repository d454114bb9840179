import { KameError } from '../../core/errors.ts';
import type { Fingerprint } from '../../store/checkpoint.ts';

/** Releases of one series restore each other's states: QEMU's stable releases keep the migration stream. */
function series(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

interface Difference {
  readonly what: string;
  readonly was: string;
  readonly is: string;
  readonly remedy: string;
}

function differences(was: Fingerprint, is: Fingerprint): Difference[] {
  const all: Difference[] = [
    {
      what: 'engine',
      was: `QEMU ${series(was.version)}`,
      is: `QEMU ${series(is.version)}`,
      remedy: `KAME_QEMU_DIR chooses the QEMU to use; QEMU ${series(was.version)} resumes it.`,
    },
    {
      what: 'machine type',
      was: was.machineType,
      is: is.machineType,
      remedy: `kame set NAME kame.machineType=${was.machineType} gives it back the type.`,
    },
    { what: 'CPU', was: was.cpu, is: is.cpu, remedy: 'A host with that CPU resumes it.' },
    {
      what: 'accelerator',
      was: was.accelerator,
      is: is.accelerator,
      remedy: `kame set NAME kame.accelerator=${was.accelerator} asks for it; kame doctor tells what this host has.`,
    },
    {
      what: 'memory size',
      was: `${was.memoryMiB} MiB`,
      is: `${is.memoryMiB} MiB`,
      remedy: `kame set NAME memory=${was.memoryMiB}MiB gives it back the size.`,
    },
    {
      what: 'number of CPUs',
      was: String(was.cpus),
      is: String(is.cpus),
      remedy: `kame set NAME cpus=${was.cpus} gives them back.`,
    },
    { what: 'architecture', was: was.arch, is: is.arch, remedy: 'No remedy: it is another machine.' },
  ];
  return all.filter((each) => each.was !== each.is);
}

/**
 * Refuses to restore a memory state that was made with something else than what would run it now.
 * @param fromDisks the commands that start the machine without that state
 * @throws KameError CHECKPOINT_MISMATCH naming each difference and what to do
 */
export function refuseMismatch(
  name: string,
  was: Fingerprint,
  is: Fingerprint,
  fromDisks = `kame start ${name} --discard-state`,
): void {
  const found = differences(was, is);
  if (found.length === 0) return;
  const told = found.map((each) => `${each.what} ${each.was}, now ${each.is}`).join('; ');
  const remedies = found.map(({ remedy }) => remedy.replace('NAME', name)).join(' ');
  throw new KameError('CHECKPOINT_MISMATCH', `The saved state of ${name} was made with another ${told}.`, {
    next: `${remedies} Or ${fromDisks} starts it from its disks; what was only in memory is lost.`,
    details: { machine: name },
  });
}
