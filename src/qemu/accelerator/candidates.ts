import type { AcceleratorKind, Capabilities } from '../capabilities/capabilities.ts';
import type { AcceleratorChoice, Arch } from '../../model/machine.ts';

export interface AcceleratorFacts {
  readonly host: { readonly os: 'linux' | 'darwin'; readonly arch: Arch };
  /** Of the guest. */
  readonly arch: Arch;
  readonly capabilities: Pick<Capabilities, 'accelerators'>;
  readonly devKvm: { readonly exists: boolean; readonly accessible: boolean };
}

/** An accelerator that may serve, why it is (or is not) tried, and whether it must be proved by a boot first. */
export interface AcceleratorCandidate {
  readonly kind: AcceleratorKind;
  readonly reason: string;
  readonly mustProve: boolean;
}

export interface Candidates {
  /** In the order of preference; the last is always tcg when the engine has it. */
  readonly candidates: readonly AcceleratorCandidate[];
  /** The hardware accelerators that are out, each with its reason. */
  readonly excluded: ReadonlyArray<{ readonly kind: AcceleratorKind; readonly reason: string }>;
}

/** Why an accelerator can't serve here; undefined when it might. */
function objection(kind: 'kvm' | 'hvf', facts: AcceleratorFacts): string | undefined {
  const { arch, capabilities, devKvm, host } = facts;
  const own = kind === 'kvm' ? 'linux' : 'darwin';
  if (host.os !== own) return `${kind} is for ${own === 'linux' ? 'Linux' : 'macOS'}`;
  if (host.arch !== arch) return `${kind} runs ${host.arch} guests only on this host, the guest is ${arch}`;
  if (!capabilities.accelerators.includes(kind)) return `this QEMU was built without ${kind}`;
  if (kind === 'kvm' && !devKvm.exists) return '/dev/kvm is not there';
  if (kind === 'kvm' && !devKvm.accessible) return '/dev/kvm may not be opened by this user (group kvm)';
  return undefined;
}

/**
 * Which accelerators to try for a guest architecture, best first. Hardware ones must be proved by booting a guest:
 * /dev/kvm can open where no guest ever boots.
 */
export function acceleratorCandidates(facts: AcceleratorFacts): Candidates {
  const candidates: AcceleratorCandidate[] = [];
  const excluded: Array<{ kind: AcceleratorKind; reason: string }> = [];
  for (const kind of ['kvm', 'hvf'] as const) {
    const reason = objection(kind, facts);
    if (reason === undefined)
      candidates.push({ kind, reason: `the host runs ${facts.arch} itself`, mustProve: true });
    else excluded.push({ kind, reason });
  }
  if (facts.capabilities.accelerators.includes('tcg')) {
    const own = excluded.find((one) => one.kind === (facts.host.os === 'linux' ? 'kvm' : 'hvf'));
    candidates.push({ kind: 'tcg', reason: own ? `emulated: ${own.reason}` : 'emulated', mustProve: false });
  }
  return { candidates, excluded };
}

/** The candidates a machine's own choice (`kame.accelerator`) leaves. */
export function chosenCandidates(
  all: Candidates,
  choice: AcceleratorChoice,
): readonly AcceleratorCandidate[] {
  if (choice === 'auto') return all.candidates;
  return all.candidates
    .filter((candidate) => candidate.kind === choice)
    .map((candidate) => ({ ...candidate, reason: `kame.accelerator is ${choice}` }));
}
