import { useEffect, useState } from 'react';
import type { ErrorTexts } from './en/errors.ts';
import { useText, type Language } from './text.ts';

/** Languages other than that of the daemon. Their texts are loaded when the first error is shown. */
const catalogues: Partial<Record<Language, () => Promise<ErrorTexts>>> = {
  ja: async () => (await import('./ja/errors.ts')).errors,
};

/** The texts of errors in the present language; undefined where the words of the daemon are to be shown as they are. */
export function useErrorTexts(): ErrorTexts | undefined {
  const { language } = useText();
  const [texts, setTexts] = useState<{ readonly language: Language; readonly of: ErrorTexts }>();
  useEffect(() => {
    let isOver = false;
    void catalogues[language]?.().then((of) => {
      if (!isOver) setTexts({ language, of });
    });
    return () => {
      isOver = true;
    };
  }, [language]);
  return texts?.language === language ? texts.of : undefined;
}
