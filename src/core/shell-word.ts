/** Quotes a word for a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Quotes the name of a machine where an advice names a command, so that it can be copied: `kame start 'my machine'`. Advice is
 * written with the plain name.
 */
export function withQuotedName(advice: string, name: string): string {
  const quoted = shellQuote(name);
  if (quoted === name || name === '') return advice;
  const parts = advice.split(name);
  return parts
    .map((part, at) => {
      if (at === parts.length - 1) return part;
      return `${part}${/\bkame [a-z]+(?: [a-z]+)? $/.test(part) ? quoted : name}`;
    })
    .join('');
}
