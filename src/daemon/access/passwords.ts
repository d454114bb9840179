import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import * as z from 'zod';
import { KameError } from '../../core/errors.ts';

const keyBytes = 32;
const saltBytes = 16;
/** What OWASP recommends for scrypt: 32 MiB, three times. */
const usualCost = { N: 2 ** 15, r: 8, p: 3 } as const;
/** How many hashes are computed at a time: each takes one of the four threads that Node also reads files with. */
const maxRunning = 2;
/** How many wait for that, at most. */
const maxWaiting = 16;

const base64 = (bytes: number) => z.base64url().length(Math.ceil((bytes * 4) / 3));

/** The hash of a password, with what it takes to compute it again. */
export const passwordHash = z.strictObject({
  salt: base64(saltBytes),
  key: base64(keyBytes),
  // Up to 128 MiB: a file must not make the daemon use up the memory.
  N: z
    .int()
    .min(2)
    .max(2 ** 17),
  r: z.int().min(1).max(8),
  p: z.int().min(1).max(16),
});
export type PasswordHash = z.infer<typeof passwordHash>;
export type Cost = Pick<PasswordHash, 'N' | 'r' | 'p'>;

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Hashes passwords with scrypt (RFC 7914), a few at a time: a flood of attempts must not stop the daemon. */
export class Passwords {
  readonly #cost: Cost;
  readonly #derive: typeof derive;
  /** Compared with for a user who does not exist, so that it takes as much work. */
  readonly #nobody: PasswordHash;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(cost: Cost = usualCost, how = derive) {
    this.#cost = cost;
    this.#derive = how;
    const random = (bytes: number) => randomBytes(bytes).toString('base64url');
    this.#nobody = { salt: random(saltBytes), key: random(keyBytes), ...cost };
  }

  /** @throws KameError TOO_MANY_ATTEMPTS */
  async hash(password: string): Promise<PasswordHash> {
    const salt = randomBytes(saltBytes);
    const key = await this.#compute(password, salt, this.#cost);
    return { salt: salt.toString('base64url'), key: key.toString('base64url'), ...this.#cost };
  }

  /**
   * Whether a password is the one of a hash. Without a hash it is wrong, after the same work.
   * @throws KameError TOO_MANY_ATTEMPTS
   */
  async verify(password: string, hash: PasswordHash | undefined): Promise<boolean> {
    const { salt, key, ...cost } = hash ?? this.#nobody;
    const found = await this.#compute(password, Buffer.from(salt, 'base64url'), cost);
    return timingSafeEqual(found, Buffer.from(key, 'base64url')) && hash !== undefined;
  }

  async #compute(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
    await this.#turn();
    try {
      // The same character can be written in several ways, and keyboards differ in which they use.
      return await this.#derive(password.normalize('NFC'), salt, keyBytes, {
        ...{ N, r, p },
        maxmem: 256 * r * (N + p),
      });
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#running < maxRunning) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= maxWaiting)
      throw new KameError('TOO_MANY_ATTEMPTS', 'Too many people sign in at the same time.', {
        next: 'Try again in a minute.',
      });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
