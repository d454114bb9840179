import { describe, expect, it } from 'vitest';
import { acceleratorCandidates, chosenCandidates, type AcceleratorFacts } from './candidates.ts';
import { verdictKey, type VerdictSubject } from './verdict.ts';

const linux: AcceleratorFacts = {
  host: { os: 'linux', arch: 'x86_64' },
  arch: 'x86_64',
  capabilities: { accelerators: ['kvm', 'tcg'] },
  devKvm: { exists: true, accessible: true },
};
const mac: AcceleratorFacts = {
  host: { os: 'darwin', arch: 'aarch64' },
  arch: 'aarch64',
  capabilities: { accelerators: ['hvf', 'tcg'] },
  devKvm: { exists: false, accessible: false },
};

function summary(facts: AcceleratorFacts): string[] {
  return acceleratorCandidates(facts).candidates.map(({ kind, mustProve }) =>
    mustProve ? `${kind}?` : kind,
  );
}

describe('acceleratorCandidates', () => {
  it('tries hardware first, and requires proof', () => {
    expect(summary(linux)).toEqual(['kvm?', 'tcg']);
    expect(summary(mac)).toEqual(['hvf?', 'tcg']);
  });

  it.each([
    ['a guest of another architecture', { ...linux, arch: 'aarch64' }, 'the guest is aarch64'],
    ['no /dev/kvm', { ...linux, devKvm: { exists: false, accessible: false } }, '/dev/kvm does not exist'],
    ['a closed /dev/kvm', { ...linux, devKvm: { exists: true, accessible: false } }, 'group kvm'],
    ['an engine without it', { ...linux, capabilities: { accelerators: ['tcg'] } }, 'built without kvm'],
    ['an Intel guest on a Mac', { ...mac, arch: 'x86_64' }, 'hvf only runs aarch64 guests'],
  ] as const)('emulates with %s, and says why', (_name, facts, reason) => {
    const { candidates } = acceleratorCandidates(facts);
    expect(candidates).toHaveLength(1);
    expect(candidates[0]).toMatchObject({ kind: 'tcg', mustProve: false });
    expect(candidates[0]?.reason).toContain(reason);
  });

  it('keeps only what the machine chooses', () => {
    const all = acceleratorCandidates(linux);
    expect(chosenCandidates(all, 'auto')).toEqual(all.candidates);
    expect(chosenCandidates(all, 'tcg')).toEqual([
      { kind: 'tcg', reason: 'kame.accelerator is tcg', mustProve: false },
    ]);
    expect(chosenCandidates(all, 'hvf')).toEqual([]);
  });
});

describe('verdictKey', () => {
  it('changes with everything a verdict depends on', () => {
    const subject: VerdictSubject = {
      kind: 'kvm',
      arch: 'x86_64',
      engineKey: '/usr/bin/qemu|1|2',
      engineVersion: '7.2.22',
      hostKernel: '6.1.0',
    };
    const others: Array<Partial<VerdictSubject>> = [
      { kind: 'hvf' },
      { arch: 'aarch64' },
      { engineKey: '/usr/bin/qemu|1|3' },
      { engineVersion: '7.2.23' },
      { hostKernel: '6.1.1' },
    ];
    const keys = [subject, ...others.map((change) => ({ ...subject, ...change }))].map(verdictKey);
    expect(new Set(keys).size).toBe(6);
    expect(verdictKey({ ...subject })).toBe(keys[0]);
  });
});
