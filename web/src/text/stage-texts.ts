import { useLoaded, type Loaders } from './loaded-texts.ts';
import { stageIn, type Stages } from './en/stages.ts';

/** Languages other than that of the daemon. */
const catalogues: Loaders<Stages> = {
  ja: async () => (await import('./ja/stages.ts')).stages,
};

/** What the daemon says that it is doing, in the present language. */
export function useStage(stage: string): string {
  return stageIn(useLoaded(catalogues) ?? [], stage);
}
