import { describe, expect, it } from 'vitest';
import { isPossible, kindsWith, machineKinds } from '../../../test/support/machine-kinds.ts';
import {
  disksInPlace,
  recordedSchema,
  recordedVersions,
  someInput,
  someModel,
  someNic,
} from '../../../test/support/plan-inputs.ts';
import { validateAgainstSchema } from '../../../test/support/validate-schema.ts';
import { currentHardware } from '../../model/hardware.ts';
import type { Schema } from '../qmp/schema.ts';
import { launchPlan } from './launch-plan.ts';
import { hardwareOf } from './netdevs.ts';
import type { LaunchPlan } from './types.ts';

/** The QMP command whose arguments a command line option accepts as JSON. */
const commandOf: Record<string, string> = {
  '-blockdev': 'blockdev-add',
  '-netdev': 'netdev_add',
  '-object': 'object-add',
};

function problemsOf(launch: LaunchPlan, schema: Schema): { checked: number; problems: string[] } {
  const options = launch.options.filter(({ name, value }) => name in commandOf && typeof value === 'object');
  const problems = options.flatMap(({ name, value }) => {
    return validateAgainstSchema(schema, commandOf[name] ?? '', value as object);
  });
  const setup = launch.setup.flatMap((step) => validateAgainstSchema(schema, step.execute, step.arguments));
  return { checked: options.length + launch.setup.length, problems: [...problems, ...setup] };
}

describe('the JSON that plans pass to QEMU', () => {
  for (const version of recordedVersions) {
    it(`fits the schema of QEMU ${version}: a disk in place`, () => {
      const launch = launchPlan(someInput({ model: someModel(), version, disks: disksInPlace }));
      expect(problemsOf(launch, recordedSchema(version, 'aarch64')).problems).toEqual([]);
    });

    for (const accelerator of ['kvm', 'hvf', 'tcg'] as const) {
      const kinds = [...Object.entries(machineKinds), ...Object.entries(kindsWith(currentHardware))];
      for (const [kind, model] of kinds) {
        if (!isPossible(kind, accelerator)) continue;
        const hardware = hardwareOf(model);
        it(`fits the schema of QEMU ${version}: ${kind}, hardware ${hardware}, with ${accelerator}`, () => {
          const launch = launchPlan(someInput({ model, version, accelerator }));
          const { checked, problems } = problemsOf(launch, recordedSchema(version, model.arch));
          expect(checked).toBeGreaterThan(3);
          expect(problems).toEqual([]);
        });
      }
    }
  }
});

describe('the JSON for an interface of the host', () => {
  const kame = { accelerator: 'auto', hardware: currentHardware } as const;
  const model = someModel({ nics: [{ ...someNic, connection: 'bridged' }], kame });

  it.each(
    recordedVersions.flatMap((version) =>
      (['bridge', 'tap'] as const).map((kind) => [kind, version] as const),
    ),
  )('%s fits the schema of QEMU %s', (kind, version) => {
    const bridges = new Map([['vmnet0', { name: 'if0', kind }]]);
    const launch = launchPlan({ ...someInput({ model, version }), bridges });
    expect(problemsOf(launch, recordedSchema(version, 'aarch64')).problems).toEqual([]);
  });
});

describe('validateAgainstSchema', () => {
  const schema = recordedSchema('7.2', 'aarch64');
  const check = (args: object): string[] => validateAgainstSchema(schema, 'blockdev-add', args);

  it.each([
    ['a missing member', { driver: 'file', 'node-name': 'a' }, 'filename is missing'],
    ['a member of another variant', { driver: 'qcow2', file: 'f', filename: '/x' }, 'filename is unknown'],
    ['a value that no enum has', { driver: 'nosuch' }, '"nosuch" is not one of'],
    ['a wrong type', { driver: 'raw', file: 'f', 'read-only': 'yes' }, '"yes" is not of type boolean'],
    ['a wrong type inside', { driver: 'raw', file: 'f', cache: { direct: 1 } }, '1 is not of type boolean'],
  ])('detects %s', (_name, args, problem) => {
    expect(check(args).join('\n')).toContain(problem);
  });

  it('accepts either form of an alternate', () => {
    expect(check({ driver: 'raw', file: 'a-node' })).toEqual([]);
    expect(check({ driver: 'raw', file: { driver: 'file', filename: '/x' } })).toEqual([]);
  });

  it('knows which commands there are', () => {
    expect(validateAgainstSchema(schema, 'no-such', {})).toEqual(['no command no-such']);
  });
});
