import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';

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

/**
 * A script for /bin/sh (dash, bash, busybox) to be read from standard input: values, then programs of guest/identity. It
 * stands in a function, so that it runs whole or not at all, and its programs don't read the rest of it.
 * @param values by the names of variables; `root` goes in front of all paths, and only tests give it
 * @throws KameError INTERNAL for a value that was not checked
 */
export function shellScript(
  values: Readonly<Record<string, string>>,
  programs: readonly string[],
  root = '',
): string {
  const assignments = Object.entries({ root, ...values }).map(([name, value]) => `${name}=${quoted(value)}`);
  const texts = ['common.sh', ...programs].map((name) => assetText(`guest/identity/${name}`));
  return `kame_main() {\n${[...assignments, ...texts].join('\n')}\n}\nkame_main < /dev/null 2> /dev/null\n`;
}
