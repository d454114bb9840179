import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { isPossible, machineKinds } from '../../../test/support/machine-kinds.ts';
import { recordedVersions, someInput, someModel } from '../../../test/support/plan-inputs.ts';
import { formatPlan } from './format.ts';
import { launchPlan } from './launch-plan.ts';

describe('launch plans', () => {
  for (const version of recordedVersions) {
    for (const accelerator of ['kvm', 'hvf', 'tcg'] as const) {
      for (const [kind, model] of Object.entries(machineKinds)) {
        if (!isPossible(kind, accelerator)) continue;
        it(`${kind} on QEMU ${version} with ${accelerator} is as reviewed`, () => {
          const text = formatPlan(launchPlan(someInput({ model, version, accelerator })));
          expect(text).toBe(golden(`plan/${kind}.${accelerator}.${version}.txt`, text));
        });
      }

      it(`an instant clone on QEMU ${version} with ${accelerator} is as reviewed`, () => {
        const model = machineKinds['tiny-direct-arm'] ?? someModel();
        const layer = (name: string) =>
          ({ path: `/home/ada/.kame/machines/demo.vmwarevm/${name}`, format: 'qcow2' }) as const;
        const disks = new Map([
          ['nvme0:0', { ...layer('disk0-000001.qcow2'), backing: layer('disk0.qcow2') }],
        ]);
        const text = formatPlan(launchPlan(someInput({ model, version, accelerator, disks, clone: true })));
        expect(text).toBe(golden(`plan/instant-clone.${accelerator}.${version}.txt`, text));
      });
    }
  }
});
