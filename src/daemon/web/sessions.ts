import { createHash, randomBytes } from 'node:crypto';

/** A page that is not opened in this time needs a new address, in milliseconds. */
export const ticketMs = 5 * 60_000;
/** A session ends when nothing was asked for in this time, in milliseconds. */
export const idleMs = 12 * 60 * 60_000;
/** The most sessions of a user, and the most tickets that wait to be used; the oldest ends when there is one more. */
export const maxOpen = 16;

/** A ticket for a WebSocket that is not used in this time is worth nothing, in milliseconds. */
export const channelTicketMs = 30_000;
/** The most tickets for WebSockets of a session that wait to be used; the oldest is forgotten when there is one more. */
export const maxChannelTickets = 64;

/** A ticket for the WebSocket at a path. */
interface ChannelTicket {
  readonly path: string;
  readonly issued: number;
}

/** A session as a file has it. Times are in milliseconds since 1970. */
export interface KeptSession {
  /** Of its secret. */
  readonly hash: string;
  /** Who has signed in with a password; null for who got an address. */
  readonly user: string | null;
  readonly lastUse: number;
}

/** How much later a session may have been used than its file says, in milliseconds. */
const keepEveryMs = 10 * 60_000;

interface Session {
  readonly user: string | null;
  lastUse: number;
  /** The last use that was kept. */
  keptUse: number;
  /** By their hashes, in the order of time. */
  readonly tickets: Map<string, ChannelTicket>;
  /** Ends each request that the session has open. */
  readonly open: Set<() => void>;
}

/** Only hashes are kept, so how long a look-up takes tells nothing about a secret. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** 256 random bits in 43 characters that need no encoding in an address or a cookie. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function newSession(user: string | null, lastUse: number): Session {
  return { user, lastUse, keptUse: lastUse, tickets: new Map(), open: new Set() };
}

/** Drops what was put into a map first, until it has at most so many entries. */
function forgetOldest(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) break;
    map.delete(oldest);
  }
}

/**
 * The browsers that may use the API. A ticket is in the address that `kame open` prints, and can be exchanged once for the
 * secret of a session, which the browser keeps as a cookie. A session gets a ticket for each WebSocket that it opens. All of them
 * end with the daemon, unless it was killed: the next one goes on with the sessions.
 */
export class Sessions {
  /** By the hash of its secret: when it was issued. In the order of time, as are the sessions by their last use. */
  readonly #tickets = new Map<string, number>();
  readonly #sessions = new Map<string, Session>();
  readonly #changed: () => void;

  /** @param changed called when `kept` returns something else than before */
  constructor(changed: () => void = () => undefined) {
    this.#changed = changed;
  }

  /** What a later daemon can go on with. */
  kept(): KeptSession[] {
    return [...this.#sessions].map(([hash, session]) => {
      session.keptUse = session.lastUse;
      return { hash, user: session.user, lastUse: session.lastUse };
    });
  }

  /** Says that what `kept` returns must be kept now. */
  keep(): void {
    this.#changed();
  }

  /** Goes on with the sessions of an earlier daemon that were used not long ago. @returns whether there are any */
  resume(kept: readonly KeptSession[]): boolean {
    const fresh = kept.filter(({ lastUse }) => Date.now() - lastUse <= idleMs);
    for (const { hash, user, lastUse } of fresh.toSorted((a, b) => a.lastUse - b.lastUse))
      this.#sessions.set(hash, newSession(user, lastUse));
    return fresh.length > 0;
  }

  /** A new ticket, and when it ends. */
  issue(): { ticket: string; until: Date } {
    const ticket = newSecret();
    const now = Date.now();
    this.#tickets.set(hashOf(ticket), now);
    forgetOldest(this.#tickets, maxOpen);
    return { ticket, until: new Date(now + ticketMs) };
  }

  /** Exchanges a ticket for the secret of a new session; undefined if it was never issued, is used or is too old. */
  redeem(ticket: string): string | undefined {
    const hash = hashOf(ticket);
    const issued = this.#tickets.get(hash);
    this.#tickets.delete(hash);
    if (issued === undefined || Date.now() - issued > ticketMs) return undefined;
    return this.begin(null);
  }

  /** Begins a session of a user. @returns its secret */
  begin(user: string | null): string {
    const secret = newSecret();
    this.#sessions.set(hashOf(secret), newSession(user, Date.now()));
    const theirs = [...this.#sessions].filter(([, session]) => session.user === user);
    for (const [oldest] of theirs.slice(0, -maxOpen)) this.#end(oldest);
    this.#changed();
    return secret;
  }

  /** Whose session this is; undefined if there is no such session. */
  userOf(secret: string): { readonly user: string | null } | undefined {
    return this.#find(secret);
  }

  /**
   * Begins a request of a session.
   * @param close ends the request when the session ends first
   * @returns what to call when the request has ended; undefined if there is no such session
   */
  use(secret: string, close: () => void): (() => void) | undefined {
    const session = this.#find(secret);
    session?.open.add(close);
    return (
      session &&
      (() => {
        session.open.delete(close);
        session.lastUse = Date.now();
      })
    );
  }

  /**
   * A new ticket for one WebSocket of a session, which is good for exactly this path.
   * @returns undefined if there is no such session
   */
  issueForChannel(secret: string, path: string): string | undefined {
    const session = this.#find(secret);
    if (!session) return undefined;
    const ticket = newSecret();
    session.tickets.set(hashOf(ticket), { path, issued: Date.now() });
    forgetOldest(session.tickets, maxChannelTickets);
    return ticket;
  }

  /** Uses up a ticket for a WebSocket. @returns whether it was issued to this session for this path, and not too long ago */
  redeemForChannel(secret: string, path: string, ticket: string): boolean {
    const session = this.#find(secret);
    const hash = hashOf(ticket);
    const found = session?.tickets.get(hash);
    session?.tickets.delete(hash);
    return found?.path === path && Date.now() - found.issued <= channelTicketMs;
  }

  /** Ends a session and what it has open. */
  end(secret: string): void {
    this.#end(hashOf(secret));
    this.#changed();
  }

  /** Ends the sessions of a user and what they have open. */
  endOf(user: string): void {
    for (const [hash, session] of [...this.#sessions])
      if (session.user?.toLowerCase() === user.toLowerCase()) this.#end(hash);
    this.#changed();
  }

  /** Ends all sessions and what they have open. */
  endAll(): void {
    for (const hash of [...this.#sessions.keys()]) this.#end(hash);
  }

  #find(secret: string): Session | undefined {
    const hash = hashOf(secret);
    const session = this.#sessions.get(hash);
    if (!session) return undefined;
    // A page that follows the events is in use, also if nobody touches it.
    if (session.open.size === 0 && Date.now() - session.lastUse > idleMs) {
      this.#end(hash);
      return undefined;
    }
    session.lastUse = Date.now();
    if (session.lastUse - session.keptUse > keepEveryMs) this.#changed();
    // To the end, so that the first one is always the one that was used least recently.
    this.#sessions.delete(hash);
    this.#sessions.set(hash, session);
    return session;
  }

  #end(hash: string): void {
    const session = this.#sessions.get(hash);
    this.#sessions.delete(hash);
    for (const close of session?.open ?? []) close();
  }
}
