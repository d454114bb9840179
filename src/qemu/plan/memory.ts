import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { PlanBuilder } from './builder.ts';

const id = 'ram0';

/**
 * Guest RAM as a separate object: the given file, otherwise anonymous memory of the engine. A named file is the only
 * kind that every version omits from the device state (up to QEMU 8.0, x-ignore-shared treats a memfd as shared).
 * @throws KameError HOST_PROBLEM when the host has less memory than the guest needs
 */
export function attachMemory(builder: PlanBuilder): void {
  const { capabilities, host, ram, model } = builder.input;
  const size = model.memoryMiB * 1024 * 1024;
  if (size > host.memoryBytes) {
    throw new KameError(
      'HOST_PROBLEM',
      `memsize is ${formatSize(size)}, but this host has only ${formatSize(host.memoryBytes)} of memory.`,
    );
  }
  builder.option('m', `size=${model.memoryMiB}M`);
  if (ram && capabilities.memoryBackends.includes('memory-backend-file')) {
    builder.object({ 'qom-type': 'memory-backend-file', id, size, 'mem-path': ram.path, share: ram.share });
    return;
  }
  builder.object({ 'qom-type': 'memory-backend-ram', id, size });
  builder.note(
    'RAM is not in a file, so taking a snapshot or suspending takes longer: all of the RAM must be written.',
  );
}

/** The part of the machine option that makes the object the RAM of the machine. */
export const machineMemory = `memory-backend=${id}`;
