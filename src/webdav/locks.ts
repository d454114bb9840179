import { randomUUID } from 'node:crypto';
import { isWithin } from './names.ts';
import { Refusal } from './refusal.ts';

export interface Lock {
  readonly token: string;
  readonly names: readonly string[];
  readonly exclusive: boolean;
  /** Whether all in a folder is locked too. */
  readonly deep: boolean;
  /** Who holds it, as the guest says: XML. */
  readonly owner: string;
  readonly seconds: number;
}

interface Held extends Lock {
  readonly until: number;
}

const maxLocks = 1000;
const maxSeconds = 3600;
/** RFC 4918 lets a server choose: long enough for a client that is busy, short enough for one that is gone. */
const usualSeconds = 600;

/** @param header Timeout: `Second-600`, `Infinite`, or several of them, of which the first is meant */
export function secondsOf(header: string | undefined): number {
  const [, given] = /^\s*Second-(\d{1,10})/i.exec(header ?? '') ?? [];
  if (given === undefined) return usualSeconds;
  return Math.min(maxSeconds, Math.max(1, Number(given)));
}

/**
 * The locks of a guest. They bind the clients in that guest among each other, and neither the host nor other guests; and they end
 * with the connection of the guest, as a lease does.
 */
export class Locks {
  readonly #locks = new Map<string, Held>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that only goes on */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The locks on what names lead to, including those of the folders above it. */
  on(names: readonly string[]): Lock[] {
    return this.#valid().filter((lock) => overlaps(lock, names));
  }

  /** @throws Refusal 423 when another lock is in the way, 507 when there are too many */
  add(lock: Omit<Lock, 'token'>): Lock {
    const others = this.#valid();
    const inTheWay = others.some(
      (other) =>
        (other.exclusive || lock.exclusive) &&
        (overlaps(other, lock.names) || (lock.deep && isWithin(lock.names, other.names))),
    );
    if (inTheWay)
      throw new Refusal(423, 'Another client has locked it.', { condition: 'no-conflicting-lock' });
    if (others.length >= maxLocks) throw new Refusal(507, 'The guest has too many locks.');
    const added = { ...lock, token: `opaquelocktoken:${randomUUID()}` };
    this.#hold(added);
    return added;
  }

  /** @throws Refusal 412 when the guest holds no such lock there */
  refresh(names: readonly string[], tokens: ReadonlySet<string>, seconds: number): Lock {
    const found = this.on(names).find(({ token }) => tokens.has(token));
    if (!found) throw new Refusal(412, 'There is no such lock.', { condition: 'lock-token-submitted' });
    const refreshed = { ...found, seconds };
    this.#hold(refreshed);
    return refreshed;
  }

  /** @throws Refusal 409 when there is no such lock on what names lead to */
  remove(names: readonly string[], token: string): void {
    const found = this.on(names).find((lock) => lock.token === token);
    if (!found)
      throw new Refusal(409, 'There is no such lock.', { condition: 'lock-token-matches-request-uri' });
    this.#locks.delete(token);
  }

  /** Ends the locks on what is gone. */
  forget(names: readonly string[]): void {
    for (const lock of this.#valid()) if (isWithin(names, lock.names)) this.#locks.delete(lock.token);
  }

  /** Ends all locks. */
  clear(): void {
    this.#locks.clear();
  }

  /**
   * Checks that a guest may change what names lead to.
   * @param tokens those that it has named
   * @param deep whether all in it changes too
   * @throws Refusal 423
   */
  requireFree(names: readonly string[], tokens: ReadonlySet<string>, deep: boolean): void {
    const locks = this.#valid().filter(
      (lock) => overlaps(lock, names) || (deep && isWithin(names, lock.names)),
    );
    // One of several shared locks is enough.
    if (locks.length === 0) return;
    const known = locks.some(({ token }) => tokens.has(token));
    const unknown = locks.some(({ token, exclusive }) => exclusive && !tokens.has(token));
    if (known && !unknown) return;
    throw new Refusal(423, 'It is locked.', { condition: 'lock-token-submitted' });
  }

  #hold(lock: Lock): void {
    this.#locks.set(lock.token, { ...lock, until: this.#now() + lock.seconds * 1000 });
  }

  #valid(): Held[] {
    const now = this.#now();
    for (const { token, until } of this.#locks.values()) if (until <= now) this.#locks.delete(token);
    return [...this.#locks.values()];
  }
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && isWithin(one, other);
}

/** Whether a lock is on what names lead to. */
function overlaps(lock: Lock, names: readonly string[]): boolean {
  return lock.deep ? isWithin(lock.names, names) : sameNames(lock.names, names);
}
