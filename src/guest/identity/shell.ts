import { KameError } from '../../core/errors.ts';

/** What a value may hold: host names, MAC addresses, hex, base64 and keys need no more, and no quote is among it. */
const plain = /^[\w.:,+/=@ \n-]*$/u;

/**
 * A value between single quotes, for the text of a shell script. All values were checked before; this is the last gate.
 * @throws KameError INTERNAL when it holds anything but letters, digits, blanks, line breaks and `.:,+/=@_-`
 */
export function quoted(value: string): string {
  if (!plain.test(value))
    throw new KameError('INTERNAL', 'A value for a script in the guest was not checked.');
  return `'${value}'`;
}

/** What both scripts need. `root` is empty but in tests. */
const prelude = `nl='
'
# One line a step: ok, skipped or failed, and behind a colon why.
say() {
  printf '%s\\n' "$1=\${2%%"$nl"*}"
}
umask 022
# The agent's own may lack where administrators' programs are.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
unset GREP_OPTIONS
`;

/**
 * A script for /bin/sh (dash, bash, busybox) to be read from standard input. It stands in a function, so that it runs
 * whole or not at all, and its programs don't read the rest of it.
 */
export function shellScript(values: Readonly<Record<string, string>>, body: string, root = ''): string {
  const assignments = Object.entries({ root, ...values }).map(([name, value]) => `${name}=${quoted(value)}`);
  return `kame_main() {\n${assignments.join('\n')}\n${prelude}${body}\n}\nkame_main < /dev/null 2> /dev/null\n`;
}
