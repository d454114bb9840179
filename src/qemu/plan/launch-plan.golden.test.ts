import { describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { isPossible, kindsWith, machineKinds } from '../../../test/support/machine-kinds.ts';
import {
  disksInPlace,
  recordedVersions,
  someInput,
  someModel,
  someNic,
} from '../../../test/support/plan-inputs.ts';
import { currentHardware } from '../../model/hardware.ts';
import { formatPlan } from './format.ts';
import { launchPlan } from './launch-plan.ts';

/** The plans of restored states of earlier hardware, and those of machines as they start now. */
const generations = [
  ['plan', machineKinds],
  ['plan/hardware-2', kindsWith(2)],
  ['plan/hardware-3', kindsWith(currentHardware)],
] as const;

describe('launch plans', () => {
  for (const version of recordedVersions) {
    for (const accelerator of ['kvm', 'hvf', 'tcg'] as const) {
      for (const [folder, kinds] of generations) {
        const possible = Object.entries(kinds).filter(([kind]) => isPossible(kind, accelerator));
        for (const [kind, model] of possible) {
          it(`${folder}: ${kind} on QEMU ${version} with ${accelerator} is as reviewed`, () => {
            const text = formatPlan(launchPlan(someInput({ model, version, accelerator })));
            expect(text).toBe(golden(`${folder}/${kind}.${accelerator}.${version}.txt`, text));
          });
        }
      }

      it(`a disk of two files in place on QEMU ${version} with ${accelerator} is as reviewed`, () => {
        const model = machineKinds['tiny-direct-arm'] ?? someModel();
        const text = formatPlan(launchPlan(someInput({ model, version, accelerator, disks: disksInPlace })));
        expect(text).toBe(golden(`plan/in-place.${accelerator}.${version}.txt`, text));
      });

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

describe('a bridged network', () => {
  const model = someModel({
    nics: [
      { ...someNic, connection: 'bridged' },
      { ...someNic, index: 1, mac: '00:0c:29:00:00:02', connection: 'custom', vnet: 'VMnet3' },
    ],
    kame: { accelerator: 'auto', hardware: currentHardware },
  });

  it.each([
    ['bridge', 'kvm', { name: 'br0', kind: 'bridge' }],
    ['tap', 'kvm', { name: 'tap0', kind: 'tap' }],
    ['vmnet-bridged', 'hvf', { name: 'en0', kind: 'vmnet-bridged' }],
    ['vmnet-shared', 'hvf', { name: 'vmnet-shared', kind: 'vmnet-shared' }],
    ['vmnet-host', 'hvf', { name: 'vmnet-host', kind: 'vmnet-host' }],
  ] as const)('on %s is as reviewed', (name, accelerator, bridge) => {
    const input = someInput({ model, accelerator, version: '10.0' });
    const plan = launchPlan({ ...input, bridges: new Map([['vmnet0', bridge]]) });
    expect(plan.networks.map(({ index }) => index)).toEqual([1]);
    const text = formatPlan(plan);
    expect(text).toBe(golden(`plan/hardware-3/bridged.${name}.txt`, text));
  });
});
