import type { Arch } from '../../model/machine.ts';
import type { AcceleratorKind } from '../capabilities/capabilities.ts';

/** Whether a guest booted with an accelerator, and the evidence. Cached until the engine or the host kernel changes. */
export interface AcceleratorVerdict {
  readonly kind: AcceleratorKind;
  readonly arch: Arch;
  readonly works: boolean;
  /** For people: `the tiny guest reached its console in 0.4 s`, `no console output within 10 s`. */
  readonly reason: string;
  /** ISO 8601 */
  readonly at: string;
}

export interface VerdictSubject {
  readonly kind: AcceleratorKind;
  readonly arch: Arch;
  /** From `engineKey`: path, size and modification time of the binary. */
  readonly engineKey: string;
  readonly engineVersion: string;
  /** `os.release()` */
  readonly hostKernel: string;
}

/** Identifies what a verdict applies to. It becomes invalid as soon as any part changes. */
export function verdictKey(subject: VerdictSubject): string {
  const { arch, engineKey, engineVersion, hostKernel, kind } = subject;
  return [kind, arch, engineKey, engineVersion, hostKernel].join('|');
}
