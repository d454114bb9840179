import { KameError } from '../core/errors.ts';
import { bridgedNetwork, hostOnlyNetwork, natNetwork } from './network.ts';
import { shown } from './problem.ts';

const form = /^[a-z][a-z0-9-]{0,30}$/;

/** Networks that always exist. */
export const standardNetworks: readonly string[] = [hostOnlyNetwork, natNetwork];

/** The name of a network as it is stored: VMware writes VMnet8 and vmnet8. */
export function plainNetworkName(name: string): string {
  return name.toLowerCase();
}

/** Whether this is the stored form of a network's name. */
export function isNetworkName(name: string): boolean {
  return form.test(name);
}

/**
 * Checks the name of a new network.
 * @throws KameError INVALID_NAME
 */
export function checkNetworkName(name: string): void {
  if (isNetworkName(name)) return;
  const clean = plainNetworkName(name)
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 31);
  throw new KameError('INVALID_NAME', `"${shown(name)}" is not a valid name for a network.`, {
    next: `Use 1 to 31 lower-case letters, digits and dashes, starting with a letter.${isNetworkName(clean) ? ` For example: ${clean}.` : ''}`,
    details: { network: shown(name) },
  });
}

/** The type that the name of a network stands for in VMware; undefined for a name of one's own. */
export function typeOfStandardName(name: string): 'nat' | 'hostonly' | 'bridged' | undefined {
  if (name === natNetwork) return 'nat';
  if (name === hostOnlyNetwork) return 'hostonly';
  return name === bridgedNetwork ? 'bridged' : undefined;
}
