import i18next from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import type { TextKey } from './en/index.ts';

export const languages = { en: 'English', ja: '日本語' } as const;
export type Language = keyof typeof languages;

/** A key without the ending that depends on a count. */
type BaseKey = TextKey extends infer K ? (K extends `${infer B}_${'one' | 'other'}` ? B : K) : never;
export type Say = (key: BaseKey, values?: Readonly<Record<string, string | number>>) => string;

const stored = 'kame-language';

/** Each language is a file of its own, which is loaded when it is used. */
const catalogues: Readonly<Record<Language, () => Promise<Readonly<Record<TextKey, string>>>>> = {
  en: async () => (await import('./en/index.ts')).en,
  ja: async () => (await import('./ja/index.ts')).ja,
};

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(stored), ...navigator.languages];
  return wanted.map((each) => each?.slice(0, 2)).find((each) => each === 'en' || each === 'ja') ?? 'en';
}

async function load(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, 'translation')) return;
  i18next.addResourceBundle(language, 'translation', await catalogues[language]());
}

/** Prepares the texts, in the language that was chosen here or that the browser prefers. */
export async function startTexts(): Promise<void> {
  i18next.on('languageChanged', (language) => (document.documentElement.lang = language));
  const lng = firstLanguage();
  await i18next.use(initReactI18next).init({
    lng,
    fallbackLng: false,
    keySeparator: false,
    nsSeparator: false,
    resources: { [lng]: { translation: await catalogues[lng]() } },
    // React itself escapes what is shown.
    interpolation: { escapeValue: false },
  });
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(stored, language);
  await load(language);
  await i18next.changeLanguage(language);
}

/** The texts in the present language. */
export function useText(): { say: Say; language: Language } {
  const { t, i18n } = useTranslation();
  return { say: t as unknown as Say, language: i18n.language as Language };
}
