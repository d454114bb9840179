import { collect, filled, keyValue } from './options.ts';
import type { Session } from './session.ts';

/** What the verbs that run something in a guest, or look at it, share. */

export const machineText = 'name, id or .vmx of a machine';
export const guestPathText = 'path in the guest, relative to the home of the user';
export const userOption = [
  '--user <user>',
  'user of the guest; needs kame-tools (default: root)',
  filled('--user'),
] as const;
export const directoryOption = [
  '--cwd <directory>',
  'directory of the guest to run in; needs kame-tools',
  filled('--cwd'),
] as const;
export const variablesOption = [
  '--env <key=value>',
  'set an environment variable; may be repeated',
  collect,
] as const;

/** The variables that `--env` sets. @throws KameError USAGE */
export function variablesOf(texts: readonly string[] | undefined): Record<string, string> | undefined {
  const pairs = texts?.map((text) => keyValue(text, '--env'));
  return pairs && Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** Waits for the reply of a guest, and says so if that takes long. */
export async function waitForGuest<T>(session: Session, name: string, reply: Promise<T>): Promise<T> {
  return await session.wait(name, `the guest of ${name}`, reply);
}
