import type { Trouble } from './trouble.ts';

export interface Sentence {
  readonly text: string;
  /** In the words of the daemon, which are English. */
  readonly isOriginal: boolean;
}

/**
 * What is shown of an error, a paragraph each. Advice of the daemon for this case is better than that for all errors of its kind.
 * @param words of the present language for errors of its kind; undefined for English
 */
export function sentencesOf(
  { message, next, isUsualNext, machine }: Trouble,
  words: { readonly when: string; readonly next: string } | undefined,
): Sentence[] {
  const original = (text: string) => ({ text, isOriginal: true });
  const translated = (text: string) => ({ text, isOriginal: false });
  const all = words
    ? [
        translated(machine === undefined ? words.when : `${machine}: ${words.when}`),
        original(message),
        isUsualNext ? translated(words.next) : original(next),
      ]
    : [translated(message), translated(next)];
  return all.filter(({ text }) => text !== '');
}
