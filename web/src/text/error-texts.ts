import type { ErrorTexts } from './en/errors.ts';
import { useLoaded, type Loaders } from './loaded-texts.ts';

/** Languages other than that of the daemon. */
const catalogues: Loaders<ErrorTexts> = {
  ja: async () => (await import('./ja/errors.ts')).errors,
};

/** The texts of errors in the present language; undefined where the words of the daemon are to be shown as they are. */
export function useErrorTexts(): ErrorTexts | undefined {
  return useLoaded(catalogues);
}
