import { KameError } from '../../core/errors.ts';
import { supports } from '../capabilities/capabilities.ts';
import type { PlanBuilder } from './builder.ts';

/** The CPU model and its properties. */
export function cpuModel(builder: PlanBuilder): string {
  const { accelerator, capabilities, model } = builder.input;
  if (accelerator.kind !== 'tcg') return 'host';
  if (model.arch === 'x86_64') return 'max';
  return [
    'max',
    ...(supports(capabilities, 'pauth-impdef') ? ['pauth-impdef=on'] : []),
    ...(supports(capabilities, 'lpa2') ? ['lpa2=off'] : []),
  ].join(',');
}

/** The version of the interrupt controller of an ARM machine. */
export function gicVersion(builder: PlanBuilder): string {
  const { accelerator, capabilities } = builder.input;
  if (accelerator.kind === 'kvm') return 'host';
  return accelerator.kind === 'hvf' && !supports(capabilities, 'hvf-gicv3') ? '2' : '3';
}

function tcgOptions(builder: PlanBuilder): string {
  const { host, model } = builder.input;
  // x86 guests expect stores in order. On ARM hosts, only the QEMU version knows whether it can guarantee that with
  // threads, so QEMU decides; everywhere else threads are safe.
  const thread = model.arch === 'x86_64' && host.arch === 'aarch64' ? '' : ',thread=multi';
  // Buffer for translated code: the default of 1 GiB exceeds the RAM of a small guest. A full buffer is flushed
  // entirely.
  return `tcg${thread},tb-size=${model.memoryMiB <= 1024 ? 256 : 512}`;
}

/** Accelerator, CPU model and topology. @throws KameError INVALID_VALUE for more CPUs than the machine type supports */
export function attachProcessor(builder: PlanBuilder, maxCpus: number): void {
  const { accelerator, model } = builder.input;
  const limit = model.arch === 'aarch64' && gicVersion(builder) === '2' ? Math.min(8, maxCpus) : maxCpus;
  if (model.cpus > limit) {
    throw new KameError(
      'INVALID_VALUE',
      `numvcpus is ${model.cpus}; ${builder.machineType} supports at most ${limit} with this accelerator.`,
    );
  }
  builder.option('accel', accelerator.kind === 'tcg' ? tcgOptions(builder) : accelerator.kind);
  builder.option('cpu', cpuModel(builder));
  const cores = model.cpus % model.coresPerSocket === 0 ? model.coresPerSocket : 1;
  builder.option('smp', `cpus=${model.cpus},sockets=${model.cpus / cores},cores=${cores},threads=1`);
}
