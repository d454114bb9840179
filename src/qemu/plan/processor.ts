import { KameError } from '../../core/errors.ts';
import { supports } from '../capabilities/capabilities.ts';
import type { PlanBuilder } from './builder.ts';

/** The CPU model and its properties. */
export function cpuModel(builder: PlanBuilder): string {
  const { accelerator, capabilities, spec } = builder.input;
  if (accelerator.kind !== 'tcg') return 'host';
  if (spec.arch === 'x86_64') return 'max';
  return [
    'max',
    ...(supports(capabilities, 'pauth-impdef') ? ['pauth-impdef=on'] : []),
    ...(supports(capabilities, 'lpa2') ? ['lpa2=off'] : []),
  ].join(',');
}

/** Which interrupt controller an ARM machine gets. */
export function gicVersion(builder: PlanBuilder): string {
  const { accelerator, capabilities } = builder.input;
  if (accelerator.kind === 'kvm') return 'host';
  return accelerator.kind === 'hvf' && !supports(capabilities, 'hvf-gicv3') ? '2' : '3';
}

function tcgOptions(builder: PlanBuilder): string {
  const { host, spec } = builder.input;
  // x86 guests expect stores to appear in order. On ARM hosts QEMU knows by its version whether it can keep that with
  // threads, so the choice is left to it; everywhere else threads are safe.
  const thread = spec.arch === 'x86_64' && host.arch === 'aarch64' ? '' : ',thread=multi';
  // Translated code: the default of 1 GiB is more than a small guest has RAM; a full buffer is flushed as a whole.
  return `tcg${thread},tb-size=${spec.memoryMiB <= 1024 ? 256 : 512}`;
}

/** Accelerator, CPU model and topology. @throws KameError INVALID_VALUE for more CPUs than the machine type takes */
export function attachProcessor(builder: PlanBuilder, maxCpus: number): void {
  const { accelerator, spec } = builder.input;
  const limit = spec.arch === 'aarch64' && gicVersion(builder) === '2' ? Math.min(8, maxCpus) : maxCpus;
  if (spec.cpus > limit) {
    throw new KameError(
      'INVALID_VALUE',
      `numvcpus is ${spec.cpus}; ${builder.machineType} takes at most ${limit} here.`,
    );
  }
  builder.option('accel', accelerator.kind === 'tcg' ? tcgOptions(builder) : accelerator.kind);
  builder.option('cpu', cpuModel(builder));
  const cores = spec.cpus % spec.coresPerSocket === 0 ? spec.coresPerSocket : 1;
  builder.option('smp', `cpus=${spec.cpus},sockets=${spec.cpus / cores},cores=${cores},threads=1`);
}
