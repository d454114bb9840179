/**
 * What bash completes. Bash splits a line into words also at characters such as `:` and `=`, and replaces only the part after
 * the last of them; and it leaves quotes and backslashes in the words. So its script passes the line itself.
 */

/** The words of a line as a program would get them, and what is needed to complete the last one. */
export interface BashLine {
  /** All words before the last, without the program's name. */
  readonly words: readonly string[];
  /** The last word without quotes and backslashes; empty after a space. */
  readonly current: string;
  /** The part of `current` that bash keeps: a completion replaces what follows. */
  readonly kept: string;
  /** The quote that is still open. */
  readonly quote: '' | '"' | "'";
}

interface Word {
  value: string;
  kept: string;
  quote: BashLine['quote'];
}

/** Reads a line up to the cursor. @param breaks bash's COMP_WORDBREAKS */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: Word[] = [];
  let word: Word | undefined;
  let escaped = false;
  for (const character of line) {
    const inQuote: BashLine['quote'] = word?.quote ?? '';
    if (!escaped && inQuote === '' && /\s/.test(character)) {
      if (word) words.push(word);
      word = undefined;
      continue;
    }
    word ??= { value: '', kept: '', quote: '' };
    if (escaped) {
      // In double quotes a backslash stands for itself before most characters.
      if (inQuote === '"' && !'"$`\\'.includes(character)) word.value += '\\';
      word.value += character;
      escaped = false;
    } else if (character === '\\' && inQuote !== "'") escaped = true;
    else if (inQuote === '' && (character === '"' || character === "'")) {
      word.quote = character;
      word.kept = word.value;
    } else if (character === inQuote) word.quote = '';
    else {
      word.value += character;
      if (inQuote === '' && breaks.includes(character)) word.kept = word.value;
    }
  }
  const { value: current, kept, quote } = word ?? { value: '', kept: '', quote: '' };
  return { words: words.slice(1).map(({ value }) => value), current, kept, quote };
}

/** The rest of a word in the form in which bash must insert it. */
export function insertable(rest: string, quote: BashLine['quote']): string {
  if (quote === "'") return rest;
  if (quote === '"') return rest.replace(/["$`\\]/g, '\\$&');
  // Letters of any script need no backslash.
  return rest.replace(/[^\p{L}\p{M}\p{N}@%+=:,./_-]/gu, '\\$&');
}
