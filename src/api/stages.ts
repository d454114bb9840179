import type { Stage, Timings } from './machine.ts';

export interface ReachedStage {
  readonly stage: Stage;
  readonly ms: number;
}

const fields = [
  ['console', 'bootMs'],
  ['firmware', 'firmwareMs'],
  ['kernel', 'kernelMs'],
  ['agent', 'agentMs'],
  ['network', 'networkMs'],
  ['login', 'loginMs'],
  ['desktop', 'desktopMs'],
] as const satisfies readonly (readonly [Stage, keyof Timings])[];

/** The stages of a start that a guest is known to have reached, in the order of their times. */
export function reachedStages(timings: Timings): ReachedStage[] {
  return fields
    .flatMap(([stage, field]) => {
      const ms = timings[field];
      return ms === null ? [] : [{ stage, ms }];
    })
    .sort((a, b) => a.ms - b.ms);
}

/** The stages of which nobody knows whether the guest has reached them. */
export function unknownStages(timings: Timings): Stage[] {
  return fields.flatMap(([stage, field]) => (timings[field] === null ? [stage] : []));
}
