import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import { en, type TextKey } from './en.ts';
import { ja } from './ja.ts';

export const languages = { en: 'English', ja: '日本語' } as const;
export type Language = keyof typeof languages;

/** A key without the ending that depends on a count. */
type BaseKey = TextKey extends infer K ? (K extends `${infer B}_${'one' | 'other'}` ? B : K) : never;
export type Say = (key: BaseKey, values?: Readonly<Record<string, string | number>>) => string;

const stored = 'kame-language';

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(stored), ...navigator.languages];
  return wanted.map((each) => each?.slice(0, 2)).find((each) => each === 'en' || each === 'ja') ?? 'en';
}

/** Prepares the texts, in the language that was chosen here or that the browser prefers. */
export async function startTexts(): Promise<void> {
  i18next.on('languageChanged', (language) => (document.documentElement.lang = language));
  await i18next.use(initReactI18next).init({
    lng: firstLanguage(),
    fallbackLng: false,
    keySeparator: false,
    nsSeparator: false,
    resources: { en: { translation: en }, ja: { translation: ja } },
    // React itself escapes what is shown.
    interpolation: { escapeValue: false },
  });
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(stored, language);
  await i18next.changeLanguage(language);
}

/** The texts in the present language. */
export function useText(): { say: Say; language: Language } {
  const { t, i18n } = useTranslation();
  return { say: t as unknown as Say, language: i18n.language as Language };
}
