import { KameError } from '../../core/errors.ts';
import type { CliContext } from '../context.ts';
import { TypedLines } from '../typed-lines.ts';
import { defaultPort, missingIn, readCredentials, writeCredentials } from './credentials.ts';

/** `vmrest -C`: who may use vmrest. */

type Terminal = Pick<CliContext, 'stdin' | 'stdout'>;

/** Asks for one line. A secret is not shown while it is typed. */
async function ask({ stdin, stdout }: Terminal, lines: TypedLines, question: string, secret = false) {
  const hides = secret && stdin.isTTY === true;
  stdout.write(question);
  if (hides) stdin.setRawMode?.(true);
  try {
    return await lines.next();
  } finally {
    if (hides) stdin.setRawMode?.(false);
    if (hides || stdin.isTTY !== true) stdout.write('\n');
  }
}

/** @throws KameError INVALID_VALUE */
function checkUser(user: string): void {
  if (/^[\w.@-]{1,64}$/u.test(user)) return;
  throw new KameError('INVALID_VALUE', `"${user}" is not a valid user name.`, {
    next: 'It has 1 to 64 letters, digits, dots, dashes, @ and underscores.',
  });
}

/** @throws KameError INVALID_VALUE for a password against the rules, and for one that was typed differently the second time */
function checkPassword(password: string, again: string): void {
  const missing = missingIn(password);
  if (missing.length > 0)
    throw new KameError(
      'INVALID_VALUE',
      `The password does not meet the requirements: it lacks ${missing.join(', ')}.`,
    );
  if (password !== again) throw new KameError('INVALID_VALUE', 'The passwords are not the same.');
}

/** The port in the file stays what it is. A file that cannot be read is written anew. */
async function portIn(path: string): Promise<number> {
  return (await readCredentials(path).catch(() => undefined))?.port ?? defaultPort;
}

/** Asks for a user name and a password, twice, and writes them. @throws KameError CANCELLED, INVALID_VALUE, FILE_ACCESS */
export async function configure(terminal: Terminal, path: string): Promise<void> {
  const lines = new TypedLines(terminal.stdin);
  try {
    const user = await ask(terminal, lines, 'Username:');
    checkUser(user);
    const password = await ask(terminal, lines, 'New password:', true);
    checkPassword(password, await ask(terminal, lines, 'Retype new password:', true));
    terminal.stdout.write('Processing...\n');
    await writeCredentials(path, user, password, await portIn(path));
    terminal.stdout.write('Credential updated successfully\n');
  } finally {
    // A pending read would keep the process alive.
    terminal.stdin.destroy();
  }
}
