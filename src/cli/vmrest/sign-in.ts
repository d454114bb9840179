import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import type { Credentials } from './credentials.ts';

/** Who may use vmrest: HTTP Basic, checked against the file of credentials. */

/** Passwords that wait for their check. bcrypt is slow on purpose: more would only make all wait. */
const maxWaiting = 8;

export type SignInVerdict = 'signed-in' | 'refused' | 'busy';

/** The user and the password of `Authorization: Basic`. They may not be valid UTF-8. */
function loginIn(header: string | undefined): readonly [user: string, password: string] | undefined {
  const encoded = /^Basic +([A-Za-z\d+/=_-]+)$/iu.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const at = text.indexOf(':');
  return at < 0 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

export class SignIn {
  readonly #credentials: Credentials;
  readonly #key = randomBytes(32);
  /** Of the login that was right. It is known again without bcrypt, so that a flood of wrong ones keeps nobody out who was in. */
  #right: Buffer | undefined;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Checks the header of a request. Wrong names take as long as wrong passwords. */
  async check(header: string | undefined): Promise<SignInVerdict> {
    const login = loginIn(header);
    if (!login) return 'refused';
    const digest = this.#digest(login);
    if (this.#right && timingSafeEqual(digest, this.#right)) return 'signed-in';
    if (this.#waiting >= maxWaiting) return 'busy';
    this.#waiting += 1;
    try {
      const checked = this.#last.then(async () => await this.#isRight(login));
      this.#last = checked.catch(() => undefined);
      if (!(await checked)) return 'refused';
      this.#right = digest;
      return 'signed-in';
    } finally {
      this.#waiting -= 1;
    }
  }

  async #isRight([user, password]: readonly [string, string]): Promise<boolean> {
    const { username, salt, password: hash } = this.#credentials;
    const matches = await bcrypt.compare(`${salt}${password}`, hash);
    return timingSafeEqual(this.#digest([user]), this.#digest([username])) && matches;
  }

  #digest(parts: readonly string[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest();
  }
}
