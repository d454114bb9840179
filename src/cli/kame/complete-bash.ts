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
  /** The character before was a backslash. */
  escaped: boolean;
}

/** Adds a character after a backslash. In double quotes a backslash stands for itself before most characters. */
function addEscaped(word: Word, character: string): void {
  const stays = word.quote === '"' && !'"$`\\'.includes(character);
  word.value += stays ? `\\${character}` : character;
  word.escaped = false;
}

function addPlain(word: Word, character: string, breaks: string): void {
  word.value += character;
  if (word.quote === '' && breaks.includes(character)) word.kept = word.value;
}

/** A quote begins here: bash replaces what follows it. */
function openQuote(word: Word, quote: '"' | "'"): void {
  word.quote = quote;
  word.kept = word.value;
}

function add(word: Word, character: string, breaks: string): void {
  if (word.escaped) addEscaped(word, character);
  else if (character === '\\' && word.quote !== "'") word.escaped = true;
  else if (word.quote === '' && (character === '"' || character === "'")) openQuote(word, character);
  else if (character === word.quote) word.quote = '';
  else addPlain(word, character, breaks);
}

const newWord = (): Word => ({ value: '', kept: '', quote: '', escaped: false });

/** Reads a line up to the cursor. @param breaks bash's COMP_WORDBREAKS */
export function readBashLine(line: string, breaks: string): BashLine {
  const words: Word[] = [];
  let word: Word | undefined;
  for (const character of line) {
    const ends = /\s/.test(character) && word?.escaped !== true && (word?.quote ?? '') === '';
    if (ends) {
      if (word) words.push(word);
      word = undefined;
    } else add((word ??= newWord()), character, breaks);
  }
  const { value: current, kept, quote } = word ?? newWord();
  return { words: words.slice(1).map(({ value }) => value), current, kept, quote };
}

/** The rest of a word in the form in which bash must insert it. */
export function insertable(rest: string, quote: BashLine['quote']): string {
  if (quote === "'") return rest;
  if (quote === '"') return rest.replace(/["$`\\]/g, '\\$&');
  // Letters of any script need no backslash.
  return rest.replace(/[^\p{L}\p{M}\p{N}@%+=:,./_-]/gu, '\\$&');
}
