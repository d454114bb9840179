import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import { KameError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import { readOwnIfThere } from '../../sys/own-file.ts';

/** The file in which vmrest keeps its port, and who may use it, in the format of VMware. Other programs write it too. */

export interface Credentials {
  readonly username: string;
  /** bcrypt of the salt and the password, one after the other. */
  readonly password: string;
  readonly salt: string;
  /** Undefined for the usual one. */
  readonly port: number | undefined;
}

/** 2 to the power of this many rounds. A file with much more would make every sign-in take minutes. */
const cost = { own: 10, most: 14 } as const;
const saltLength = 16;
const maxBytes = 4096;
const maxPort = 65_535;

export const defaultPort = 8697;

/** @throws KameError HOST_PROBLEM without a home directory */
export function credentialsPath(env: Readonly<Record<string, string | undefined>>): string {
  const { HOME: home = '' } = env;
  if (home === '')
    throw new KameError('HOST_PROBLEM', 'HOME is not set, so there is no place for .vmrestCfg.');
  return join(home, '.vmrestCfg');
}

/** The values of `name=value` lines. Values may contain `=`. */
function valuesIn(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/u).map((line) => /^\s*(\w+)\s*=(.*)$/u.exec(line));
  return new Map(lines.flatMap((found) => (found ? [[found[1] ?? '', found[2] ?? ''] as const] : [])));
}

/** @throws KameError INVALID_VALUE */
function parse(text: string, path: string): Credentials {
  const values = valuesIn(text);
  const [username = '', password = '', salt = ''] = ['username', 'password', 'salt'].map((name) =>
    values.get(name),
  );
  const port = Number(values.get('port') ?? defaultPort);
  const rounds = Number(/^\$2[aby]\$(\d\d)\$[./A-Za-z\d]{53}$/u.exec(password)?.[1] ?? NaN);
  const isValid =
    username !== '' && rounds <= cost.most && Number.isInteger(port) && port > 0 && port <= maxPort;
  if (isValid) return { username, password, salt, port };
  throw new KameError('INVALID_VALUE', `${path} has no valid user name, port and password.`, {
    next: '`vmrest -C` writes it anew.',
    details: { path },
  });
}

/** @returns undefined if there is no such file. @throws KameError FILE_ACCESS, INVALID_VALUE */
export async function readCredentials(path: string): Promise<Credentials | undefined> {
  const bytes = await readOwnIfThere(path, { maxBytes, trusted: true });
  return bytes && parse(bytes.toString('utf8'), path);
}

/** Writes the file, which only its owner can read. @throws KameError FILE_ACCESS */
export async function writeCredentials(
  path: string,
  username: string,
  password: string,
  port: number,
): Promise<void> {
  const salt = randomBytes(saltLength).toString('base64url').slice(0, saltLength);
  const hash = await bcrypt.hash(`${salt}${password}`, cost.own);
  const lines = [`port=${port}`, `username=${username}`, `password=${hash}`, `salt=${salt}`];
  await writeFileAtomic(path, lines.map((line) => `${line}\r\n`).join(''));
}

const classes = [
  [/[A-Z]/u, 'a capital letter'],
  [/[a-z]/u, 'a small letter'],
  [/\d/u, 'a digit'],
  [/[!-/:-@[-`{-~]/u, 'a special character'],
] as const;
const lengths = { least: 8, most: 12 } as const;

/** What VMware’s rules for passwords miss in one, as words; empty if it is permitted. */
export function missingIn(password: string): string[] {
  const missing: string[] = classes.filter(([pattern]) => !pattern.test(password)).map(([, name]) => name);
  const { length } = password;
  if (length < lengths.least || length > lengths.most) missing.push('a length of 8 to 12 characters');
  if (!/^[!-~]*$/u.test(password)) missing.push('ASCII characters only');
  return missing;
}
