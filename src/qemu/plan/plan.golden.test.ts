import { describe, expect, it } from 'vitest';
import { expectGolden } from '../../../test/support/golden.ts';
import { isPossible, machineKinds } from '../../../test/support/machine-kinds.ts';
import { recordedVersions, someInput } from '../../../test/support/plan-inputs.ts';
import { formatPlan } from './format.ts';
import { plan } from './plan.ts';

describe('launch plans', () => {
  for (const version of recordedVersions) {
    for (const accelerator of ['kvm', 'hvf', 'tcg'] as const) {
      for (const [kind, spec] of Object.entries(machineKinds)) {
        const possible = isPossible(kind, accelerator);
        it(`${kind} on QEMU ${version} with ${accelerator} ${possible ? 'is as reviewed' : 'is refused'}`, () => {
          const input = someInput({ spec, version, accelerator });
          if (possible) expectGolden(`plan/${kind}.${accelerator}.${version}.txt`, formatPlan(plan(input)));
          else expect(() => plan(input)).toThrow('There is no UEFI firmware with Secure Boot');
        });
      }
    }
  }
});
