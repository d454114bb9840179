import { KameError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';
import { bridgedNetwork, hostOnlyNetwork, natNetwork } from './network.ts';
import { shown } from './problem.ts';

const form = /^[a-z][a-z0-9-]{0,30}$/;

/** Words for a connection, which no network can have as its name. */
const connectionWords = ['nat', 'bridged', 'hostonly', 'host-only'];

/** The word for a connection that a text probably means; undefined for the name of a network. */
export function connectionMeant(text: string): string | undefined {
  return suggest(text, connectionWords);
}

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
  const meant = isNetworkName(name) ? connectionMeant(name) : undefined;
  if (isNetworkName(name) && meant === undefined) return;
  const clean = plainNetworkName(name)
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 31);
  const example = isNetworkName(clean) && meant === undefined ? ` For example: ${clean}.` : '';
  const reason =
    meant === undefined ? '' : `: where an adapter is connected, it could be mistaken for ${meant}`;
  throw new KameError('INVALID_NAME', `"${shown(name)}" is not a valid name for a network${reason}.`, {
    next: `Use 1 to 31 lower-case letters, digits and dashes, starting with a letter.${example}`,
    details: { network: shown(name) },
  });
}

/** The type that the name of a network stands for in VMware; undefined for a name of one's own. */
export function typeOfStandardName(name: string): 'nat' | 'hostonly' | 'bridged' | undefined {
  if (name === natNetwork) return 'nat';
  if (name === hostOnlyNetwork) return 'hostonly';
  return name === bridgedNetwork ? 'bridged' : undefined;
}
