import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { LaunchPlan } from '../../qemu/plan/types.ts';
import type { Bundle } from '../../store/bundle.ts';
import { proveRendering } from '../engine/rendering.ts';
import type { Host } from '../host/host.ts';
import { pinHardware } from './hardware.ts';
import {
  launchEngine,
  prepare,
  type BootRam,
  type LaunchedEngine,
  type Prepared,
  type RequestTime,
} from './launch.ts';

export interface BootedEngine {
  readonly launched: LaunchedEngine;
  readonly plan: LaunchPlan;
}

/** Whether an engine with 3D did not start because 3D no longer works here, such as after an update of a driver. */
async function has3dGone(
  host: Host,
  { plan, capabilities }: Prepared,
  error: unknown,
  progress: Progress,
): Promise<boolean> {
  if (plan.graphics?.accelerated !== true || progress.signal.aborted) return false;
  if (!(error instanceof KameError) || !error.code.startsWith('ENGINE_')) return false;
  return !(await proveRendering(host, capabilities, progress, { fresh: true })).works;
}

/**
 * Starts the engine of a machine that boots; the caller holds the machine and its lock. If 3D worked once and does not any more,
 * the machine gets a display without it, and says so.
 * @throws KameError as prepare and launchEngine
 */
export async function bootEngine(
  host: Host,
  bundle: Bundle,
  { ram, note: ramNote }: BootRam,
  requested: RequestTime,
  progress: Progress,
): Promise<BootedEngine> {
  const attempt = async (prepared: Prepared): Promise<BootedEngine> => {
    const launched = await launchEngine(host, bundle, { ...prepared, ramNote }, requested, progress);
    return { launched, plan: prepared.plan };
  };
  const prepared = await prepare(host, bundle, progress, { ram });
  await pinHardware(bundle, prepared.plan);
  try {
    return await attempt(prepared);
  } catch (error) {
    if (!(await has3dGone(host, prepared, error, progress))) throw error;
    return await attempt(await prepare(host, bundle, progress, { ram }));
  }
}
