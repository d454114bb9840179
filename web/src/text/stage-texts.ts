import { useLoaded, type Loaders } from './loaded-texts.ts';

/** Patterns of what the daemon says in English, and what stands for it. */
type Stages = readonly (readonly [RegExp, string])[];

/** Languages other than that of the daemon. */
const catalogues: Loaders<Stages> = {
  ja: async () => (await import('./ja/stages.ts')).stages,
};

/** A stage of a task in other words; as it is, if there are none. */
export function stageIn(stages: Stages, stage: string): string {
  const [pattern, text] = stages.find(([each]) => each.test(stage)) ?? [];
  return pattern && text !== undefined ? stage.replace(pattern, text) : stage;
}

/** What the daemon says that it is doing, in the present language. */
export function useStage(stage: string): string {
  return stageIn(useLoaded(catalogues) ?? [], stage);
}
