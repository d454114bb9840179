import { KameError } from '../../core/errors.ts';
import type { Fingerprint } from '../../store/checkpoint.ts';

/** Releases of one series can restore each other's states: QEMU's stable releases keep the migration stream compatible. */
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
      remedy: `Install QEMU ${series(was.version)} and set KAME_QEMU_DIR to its directory.`,
    },
    {
      what: 'machine type',
      was: was.machineType,
      is: is.machineType,
      remedy: `Restore the type with kame set NAME kame.machineType=${was.machineType}.`,
    },
    { what: 'CPU', was: was.cpu, is: is.cpu, remedy: 'Resume it on a host with that CPU.' },
    {
      what: 'accelerator',
      was: was.accelerator,
      is: is.accelerator,
      remedy: `Select the accelerator with kame set NAME kame.accelerator=${was.accelerator}; kame doctor shows which ones this host has.`,
    },
    {
      what: 'memory size',
      was: `${was.memoryMiB} MiB`,
      is: `${is.memoryMiB} MiB`,
      remedy: `Restore the size with kame set NAME memory=${was.memoryMiB}MiB.`,
    },
    {
      what: 'number of CPUs',
      was: String(was.cpus),
      is: String(is.cpus),
      remedy: `Restore the number with kame set NAME cpus=${was.cpus}.`,
    },
    {
      what: 'architecture',
      was: was.arch,
      is: is.arch,
      remedy: 'A state cannot be resumed on another architecture.',
    },
  ];
  return all.filter((each) => each.was !== each.is);
}

/**
 * Refuses to restore a memory state that was saved with a different engine or different virtual hardware.
 * @param fromDisks the commands that start the machine without that state
 * @throws KameError CHECKPOINT_MISMATCH naming each difference and its remedy
 */
export function refuseMismatch(
  name: string,
  was: Fingerprint,
  is: Fingerprint,
  fromDisks = `kame start ${name} --discard-state`,
): void {
  const found = differences(was, is);
  if (found.length === 0) return;
  const changes = found.map((each) => `${each.what} ${each.was} (now ${each.is})`).join('; ');
  const remedies = found.map(({ remedy }) => remedy.replace('NAME', name)).join(' ');
  throw new KameError(
    'CHECKPOINT_MISMATCH',
    `The saved state of ${name} does not match: it was saved with ${changes}.`,
    {
      next: `${remedies} Or start from the disks with ${fromDisks}: what was only in memory is lost.`,
      details: { machine: name },
    },
  );
}
