import type { HostKey } from './host-keys.ts';
import { shellScript } from './shell.ts';

/** Names of the steps of `keysScript`. */
export function keyStepNames(keys: readonly HostKey[]): string[] {
  return [...keys.map(({ type }) => `host-key-${type}`), 'sshd'];
}

/** The script that puts SSH host keys in place of those of their kinds. It holds secrets. */
export function keysScript(keys: readonly HostKey[], root?: string): string {
  const variables: Record<string, string> = { types: keys.map(({ type }) => type).join(' ') };
  for (const key of keys) {
    variables[`key_${key.type}`] = key.privateKey;
    variables[`pub_${key.type}`] = key.publicKey;
  }
  return shellScript(variables, ['host-keys.sh'], root);
}
