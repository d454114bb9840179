import { launchPlan } from '../../src/qemu/plan/launch-plan.ts';
import type { LaunchPlan, PlanInput } from '../../src/qemu/plan/types.ts';
import { someInput, someModel } from './plan-inputs.ts';

/** The plan of a machine that differs from the usual one. */
export function planOf(changes: Parameters<typeof someModel>[0], more: Partial<PlanInput> = {}): LaunchPlan {
  return launchPlan({ ...someInput({ model: someModel(changes) }), ...more });
}

/** The value of an option, such as `-smp`. */
export function valueOf(launch: LaunchPlan, option: string): unknown {
  return launch.options.find((one) => one.name === option)?.value;
}

/** All options of a name with an object, such as `-device`. */
export function objects(launch: LaunchPlan, option: string): Array<Record<string, unknown>> {
  return launch.options
    .filter(({ name, value }) => name === option && typeof value === 'object')
    .map(({ value }) => value as Record<string, unknown>);
}

/** The device with that id. */
export function device(launch: LaunchPlan, id: string): Record<string, unknown> | undefined {
  return objects(launch, '-device').find((one) => one['id'] === id);
}
