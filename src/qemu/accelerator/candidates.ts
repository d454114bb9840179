import type { AcceleratorChoice, Arch } from '../../model/machine.ts';
import type { AcceleratorKind, Capabilities } from '../capabilities/capabilities.ts';

export interface AcceleratorFacts {
  readonly host: { readonly os: 'linux' | 'darwin'; readonly arch: Arch };
  /** Architecture of the guest. */
  readonly arch: Arch;
  readonly capabilities: Pick<Capabilities, 'accelerators'>;
  readonly devKvm: { readonly exists: boolean; readonly accessible: boolean };
}

/** An accelerator to try, the reason, and whether a test boot must prove first that it works. */
export interface AcceleratorCandidate {
  readonly kind: AcceleratorKind;
  readonly reason: string;
  readonly mustProve: boolean;
}

export interface Candidates {
  /** In order of preference; tcg comes last, if the engine has it. */
  readonly candidates: readonly AcceleratorCandidate[];
  /** The hardware accelerators that are not possible, each with the reason. */
  readonly excluded: ReadonlyArray<{ readonly kind: AcceleratorKind; readonly reason: string }>;
}

/** Why an accelerator is not possible on this host; undefined if it may be. */
function objection(kind: 'kvm' | 'hvf', facts: AcceleratorFacts): string | undefined {
  const { arch, capabilities, devKvm, host } = facts;
  const own = kind === 'kvm' ? 'linux' : 'darwin';
  if (host.os !== own) return `${kind} is only available on ${own === 'linux' ? 'Linux' : 'macOS'}`;
  if (host.arch !== arch)
    return `on this host ${kind} only runs ${host.arch} guests, but the guest is ${arch}`;
  if (!capabilities.accelerators.includes(kind)) return `this QEMU was built without ${kind}`;
  if (kind === 'kvm' && !devKvm.exists) return '/dev/kvm does not exist';
  if (kind === 'kvm' && !devKvm.accessible) return 'this user has no permission to open /dev/kvm (group kvm)';
  return undefined;
}

/**
 * The accelerators to try for a guest architecture, best first. Hardware accelerators must be proved by booting a
 * guest, because on some hosts /dev/kvm opens but no guest boots.
 */
export function acceleratorCandidates(facts: AcceleratorFacts): Candidates {
  const candidates: AcceleratorCandidate[] = [];
  const excluded: Array<{ kind: AcceleratorKind; reason: string }> = [];
  for (const kind of ['kvm', 'hvf'] as const) {
    const reason = objection(kind, facts);
    if (reason === undefined)
      candidates.push({ kind, reason: `the host is ${facts.arch} too`, mustProve: true });
    else excluded.push({ kind, reason });
  }
  if (facts.capabilities.accelerators.includes('tcg')) {
    const own = excluded.find((one) => one.kind === (facts.host.os === 'linux' ? 'kvm' : 'hvf'));
    candidates.push({ kind: 'tcg', reason: own ? `emulated: ${own.reason}` : 'emulated', mustProve: false });
  }
  return { candidates, excluded };
}

/** The candidates that remain after the choice of a machine (`kame.accelerator`). */
export function chosenCandidates(
  all: Candidates,
  choice: AcceleratorChoice,
): readonly AcceleratorCandidate[] {
  if (choice === 'auto') return all.candidates;
  return all.candidates
    .filter((candidate) => candidate.kind === choice)
    .map((candidate) => ({ ...candidate, reason: `kame.accelerator is ${choice}` }));
}
