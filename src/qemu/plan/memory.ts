import { KameError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { PlanBuilder } from './builder.ts';

const id = 'ram0';

/**
 * Guest RAM as an object of its own: on Linux a shared memfd, which a checkpoint can copy from outside of QEMU
 * (through /proc/PID/fd) while the device state is saved without it.
 * @throws KameError HOST_PROBLEM when the host has less memory than the guest wants
 */
export function attachMemory(builder: PlanBuilder): void {
  const { capabilities, host, spec } = builder.input;
  const size = spec.memoryMiB * 1024 * 1024;
  if (size > host.memoryBytes) {
    throw new KameError(
      'HOST_PROBLEM',
      `memsize is ${formatSize(size)}; this host has ${formatSize(host.memoryBytes)} in all.`,
    );
  }
  builder.option('m', `size=${spec.memoryMiB}M`);
  if (host.os === 'linux' && capabilities.memoryBackends.includes('memory-backend-memfd')) {
    builder.object({ 'qom-type': 'memory-backend-memfd', id, size, share: true });
    return;
  }
  builder.object({ 'qom-type': 'memory-backend-ram', id, size });
  builder.note(
    'RAM is private memory of the engine, since this system has no memfd: checkpoints will write it through the engine.',
  );
}

/** Part of the machine option that makes the object the machine's RAM. */
export const machineMemory = `memory-backend=${id}`;
