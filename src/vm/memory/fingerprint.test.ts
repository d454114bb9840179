import { describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../store/checkpoint.ts';
import { refuseMismatch } from './fingerprint.ts';

const was: Fingerprint = {
  version: '7.2.9',
  arch: 'aarch64',
  machineType: 'virt-7.2',
  cpu: 'max',
  accelerator: 'tcg',
  memoryMiB: 512,
  cpus: 2,
};

describe('refuseMismatch', () => {
  it('accepts another release of the same series', () => {
    expect(() => refuseMismatch('demo', was, { ...was, version: '7.2.22' })).not.toThrow();
  });

  const others: readonly (readonly [Partial<Fingerprint>, string])[] = [
    [{ version: '10.0.2' }, 'engine QEMU 7.2 (now QEMU 10.0)'],
    [{ machineType: 'virt-10.0' }, 'machine type virt-7.2 (now virt-10.0)'],
    [{ cpu: 'host' }, 'CPU max (now host)'],
    [{ accelerator: 'kvm' }, 'accelerator tcg (now kvm)'],
    [{ memoryMiB: 1024 }, 'memory size 512 MiB (now 1024 MiB)'],
    [{ cpus: 1 }, 'number of CPUs 2 (now 1)'],
  ];
  for (const [change, words] of others) {
    it(`names the ${words.split(' (')[0]}`, () => {
      expect(() => refuseMismatch('demo', was, { ...was, ...change })).toThrow(words);
    });
  }

  it('says what to do', () => {
    const refuse = () => refuseMismatch('demo', was, { ...was, machineType: 'virt-8.0', cpus: 4 });
    expect(refuse).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_MISMATCH',
        next: expect.stringMatching(
          /kame set demo kame\.machineType=virt-7\.2.*kame start demo --discard-state/u,
        ) as string,
      }),
    );
  });
});
