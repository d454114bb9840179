import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { PlanBuilder } from './builder.ts';

const id = 'ram0';

/**
 * Guest RAM as an object of its own: the file that is asked for, else memory of the engine. Only a named file is left out
 * of a checkpoint's device state by every version (x-ignore-shared takes a memfd for shared up to QEMU 8.0).
 * @throws KameError HOST_PROBLEM when the host has less memory than the guest wants
 */
export function attachMemory(builder: PlanBuilder): void {
  const { capabilities, host, ram, model } = builder.input;
  const size = model.memoryMiB * 1024 * 1024;
  if (size > host.memoryBytes) {
    throw new KameError(
      'HOST_PROBLEM',
      `memsize is ${formatSize(size)}; this host has ${formatSize(host.memoryBytes)} in all.`,
    );
  }
  builder.option('m', `size=${model.memoryMiB}M`);
  if (ram && capabilities.memoryBackends.includes('memory-backend-file')) {
    builder.object({ 'qom-type': 'memory-backend-file', id, size, 'mem-path': ram.path, share: ram.share });
    return;
  }
  builder.object({ 'qom-type': 'memory-backend-ram', id, size });
  builder.note(
    'RAM is memory of the engine alone: a snapshot or a suspend takes longer, it writes all of it.',
  );
}

/** Part of the machine option that makes the object the machine's RAM. */
export const machineMemory = `memory-backend=${id}`;
