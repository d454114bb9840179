import { isIPv6 } from 'node:net';
import { KameError } from '../../core/errors.ts';
import { Attempts } from './attempts.ts';
import type { User, Users } from './users.ts';

/** Short, since anybody can make a user wait by trying wrong passwords. */
const maxUserDelayMs = 60_000;
const maxAddressDelayMs = 15 * 60_000;
/** The most pairs of users and addresses from which they have signed in. */
const maxKnown = 1000;

/**
 * What shares a limit with an address: whoever has an IPv6 address has 2^64 of them. On a socket for both kinds, IPv4 addresses look
 * like ::ffff:10.0.0.1; they must not all be one network.
 */
export function limitedWith(given: string): string {
  const address = given.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - rest.length)).fill('0');
  return `${[...first, ...middle, ...rest].slice(0, 4).join(':')}::/64`;
}

function tooMany(waitMs: number): KameError {
  const seconds = Math.ceil(waitMs / 1000);
  return new KameError(
    'TOO_MANY_ATTEMPTS',
    `Too many attempts to sign in: the next one may be in ${seconds} s.`,
    {
      details: { seconds },
    },
  );
}

/**
 * Signs users in by their passwords. Wrong ones are delayed more and more, by user and by address, whether the user exists or not.
 * Somebody elsewhere who tries passwords of a user does not delay the user at an address from which they have signed in before.
 */
export class SignIn {
  readonly #users: Users;
  readonly #byUser = new Attempts(maxUserDelayMs);
  /** Of users at addresses that are theirs. Apart from the others, since a name that is tried may be any text, also a pair. */
  readonly #byPair = new Attempts(maxUserDelayMs);
  readonly #byAddress = new Attempts(maxAddressDelayMs);
  /** In the order of time. */
  readonly #known = new Set<string>();

  constructor(users: Users) {
    this.#users = users;
  }

  /** @throws KameError WRONG_PASSWORD, TOO_MANY_ATTEMPTS, FILE_ACCESS */
  async signIn(name: string, password: string, from: string): Promise<User> {
    const address = limitedWith(from);
    const pair = `${name.toLowerCase()} ${address}`;
    const [tried, key] = this.#known.has(pair) ? [this.#byPair, pair] : [this.#byUser, name.toLowerCase()];
    const waitMs = Math.max(tried.waitMs(key), this.#byAddress.waitMs(address));
    if (waitMs > 0) throw tooMany(waitMs);
    tried.count(key);
    this.#byAddress.count(address);
    const found = await this.#users.verify(name, password);
    if (!found)
      throw new KameError('WRONG_PASSWORD', 'The name or the password is wrong.', {
        next: 'Check both. An owner of this Kame can set a new password.',
      });
    tried.forget(key);
    // Whoever has an account must not wipe out by it what they tried with others.
    this.#byAddress.takeBack(address);
    this.#remember(pair);
    return found;
  }

  #remember(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    for (const oldest of this.#known) {
      if (this.#known.size <= maxKnown) break;
      this.#known.delete(oldest);
    }
  }
}
