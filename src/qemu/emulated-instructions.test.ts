import { expect, it } from 'vitest';
import { emulatesInstructions } from './emulated-instructions.ts';

async function told(...vcpus: readonly (readonly [exits: number, emulated: number])[]): Promise<boolean> {
  const results = vcpus.map(([exits, emulated]) => ({
    provider: 'kvm',
    stats: [
      { name: 'exits', value: exits },
      { name: 'insn_emulation', value: emulated },
      { name: 'halt_wait_hist', value: [0, 1] },
    ],
  }));
  const qmp = { execute: async () => await Promise.resolve(results) };
  return await emulatesInstructions({ qmp } as unknown as Parameters<typeof emulatesInstructions>[0]);
}

it('tells a KVM that emulates all code from one that has the processor run it', async () => {
  // As measured: without virtualization, and in the first seconds of that.
  expect(await told([5038, 4_010_564])).toBe(true);
  expect(await told([1625, 917_457])).toBe(false);
  // Real mode on an old processor: 130 instructions between two exits.
  expect(await told([20_000, 2_600_000])).toBe(false);
  // One emulated instruction for each access to a device.
  expect(await told([3_000_000, 2_000_000])).toBe(false);
  expect(await told([400, 600_000], [300, 600_000])).toBe(true);
  expect(await told()).toBe(false);
});
