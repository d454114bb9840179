/** Patterns of what the daemon says that it is doing, in English, and what stands for it. */
export type Stages = readonly (readonly [RegExp, string])[];

/** A stage of a task in other words; as it is, if there are none. */
export function stageIn(stages: Stages, stage: string): string {
  const [pattern, text] = stages.find(([each]) => each.test(stage)) ?? [];
  return pattern && text !== undefined ? stage.replace(pattern, text) : stage;
}
