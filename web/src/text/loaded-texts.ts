import { useEffect, useState } from 'react';
import { useText, type Language } from './text.ts';

/** Texts of some languages, each in a file of its own. */
export type Loaders<T> = Partial<Record<Language, () => Promise<T>>>;

/**
 * Texts that are loaded when they are first shown, in the present language; undefined until they are there, and where the words of the
 * daemon are to be shown as they are.
 */
export function useLoaded<T>(loaders: Loaders<T>): T | undefined {
  const { language } = useText();
  const [texts, setTexts] = useState<{ readonly language: Language; readonly of: T }>();
  useEffect(() => {
    let isOver = false;
    void loaders[language]?.().then((of) => {
      if (!isOver) setTexts({ language, of });
    });
    return () => {
      isOver = true;
    };
  }, [loaders, language]);
  return texts?.language === language ? texts.of : undefined;
}
