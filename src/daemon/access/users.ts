import * as z from 'zod';
import { roles, type Rights } from '../../api/role.ts';
import { maxGrants, userName } from '../../api/web.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import { readOwnIfThere } from '../../sys/own-file.ts';
import { passwordHash, type PasswordHash, type Passwords } from './passwords.ts';

const maxBytes = 2 * 1024 * 1024;
/** Each may have sessions, which the daemon keeps in memory. */
export const maxUsers = 100;

const grant = z.strictObject({
  role: z.enum(roles),
  machines: z.array(z.string().min(1).max(64)).max(256).nullable(),
});
const named = z.strictObject({ name: userName, password: passwordHash });
/** Before a user could have several grants, a user was one itself. */
const formerUser = named
  .extend(grant.shape)
  .transform(({ role, machines, ...rest }) => ({ ...rest, grants: [{ role, machines }] }));
const user = z.union([named.extend({ grants: z.array(grant).min(1).max(maxGrants) }), formerUser]);
const file = z.strictObject({ users: z.array(user).max(maxUsers) });

export interface User extends Rights {
  readonly name: string;
  readonly password: PasswordHash;
}

/** Names differ in more than their capitals. */
const keyOf = (name: string) => name.toLowerCase();

function checkRights({ grants }: Rights): void {
  if (grants.some(({ role, machines }) => role === 'owner' && machines !== null))
    throw new KameError('USAGE', 'An owner may see all machines: the role cannot be limited to some.', {
      next: 'Choose the role operator or viewer, or name no machines.',
    });
}

/** The users of the web desktop, in a file that only the user of this computer can read. The daemon alone writes it. */
export class Users {
  readonly #path: string;
  readonly #passwords: Passwords;
  #loaded: Promise<ReadonlyMap<string, User>> | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  readonly #onChanged: ((name: string) => void)[] = [];

  constructor(path: string, passwords: Passwords) {
    this.#path = path;
    this.#passwords = passwords;
  }

  /** Calls `run` with the name of a user whose rights or password have changed, or who was removed. */
  onChanged(run: (name: string) => void): void {
    this.#onChanged.push(run);
  }

  /** By name. @throws KameError FILE_ACCESS if the file cannot be read or is not as this class writes it */
  async list(): Promise<User[]> {
    return [...(await this.#all()).values()].sort((a, b) => a.name.localeCompare(b.name, 'en'));
  }

  /** @throws KameError FILE_ACCESS */
  async find(name: string): Promise<User | undefined> {
    return (await this.#all()).get(keyOf(name));
  }

  /** The user with this password; undefined, after the same work, if there is none. @throws KameError TOO_MANY_ATTEMPTS, FILE_ACCESS */
  async verify(name: string, password: string): Promise<User | undefined> {
    const before = await this.find(name);
    const isRight = await this.#passwords.verify(password, before?.password);
    // It may have been changed meanwhile.
    const now = await this.find(name);
    return isRight && now === before ? now : undefined;
  }

  /** @throws KameError ALREADY_EXISTS, USAGE, FILE_ACCESS, DISK_FULL */
  async add(name: string, rights: Rights, password: string): Promise<User> {
    checkRights(rights);
    const hash = await this.#hash(name, password);
    const added: User = { name, grants: rights.grants, password: hash };
    await this.#change(name, (users) => {
      if (users.has(keyOf(name)))
        throw new KameError('ALREADY_EXISTS', `There is a user ${name} already.`, {
          next: `Choose another name, or change that user with kame web user set ${name}.`,
        });
      if (users.size >= maxUsers)
        throw new KameError('USAGE', `There are ${maxUsers} users already, which is the most.`);
      users.set(keyOf(name), added);
    });
    return added;
  }

  /** @throws KameError NO_SUCH_USER, USAGE, FILE_ACCESS, DISK_FULL */
  async set(name: string, { grants }: Rights): Promise<User> {
    checkRights({ grants });
    return await this.#replace(name, (before) => ({ ...before, grants }));
  }

  /** @throws KameError NO_SUCH_USER, USAGE, TOO_MANY_ATTEMPTS, FILE_ACCESS, DISK_FULL */
  async setPassword(name: string, password: string): Promise<void> {
    const hash = await this.#hash(name, password);
    await this.#replace(name, (before) => ({ ...before, password: hash }));
  }

  /** @throws KameError NO_SUCH_USER, FILE_ACCESS, DISK_FULL */
  async remove(name: string): Promise<void> {
    await this.#change(name, (users) => {
      if (!users.delete(keyOf(name))) throw noSuchUser(name);
    });
  }

  async #hash(name: string, password: string): Promise<PasswordHash> {
    if (keyOf(password).includes(keyOf(name)) && password.length < name.length + 6)
      throw new KameError('USAGE', 'The password is little more than the name of the user.', {
        next: 'Choose another one: several words that do not belong together are easy to remember.',
      });
    return await this.#passwords.hash(password);
  }

  async #replace(name: string, change: (before: User) => User): Promise<User> {
    let after: User | undefined;
    await this.#change(name, (users) => {
      const before = users.get(keyOf(name));
      if (!before) throw noSuchUser(name);
      after = change(before);
      users.set(keyOf(name), after);
    });
    if (!after) throw noSuchUser(name);
    return after;
  }

  /** Changes the file, one after the other, and then what is known of it. */
  async #change(name: string, change: (users: Map<string, User>) => void): Promise<void> {
    const done = this.#changing.then(async () => {
      const users = new Map(await this.#all());
      change(users);
      await writeFileAtomic(this.#path, `${JSON.stringify({ users: [...users.values()] }, undefined, 2)}\n`);
      this.#loaded = Promise.resolve(users);
      for (const run of this.#onChanged) run(name);
    });
    this.#changing = done.catch(() => undefined);
    await done;
  }

  async #all(): Promise<ReadonlyMap<string, User>> {
    this.#loaded ??= this.#read();
    try {
      return await this.#loaded;
    } catch (error) {
      this.#loaded = undefined;
      throw error;
    }
  }

  async #read(): Promise<ReadonlyMap<string, User>> {
    const bytes = await readOwnIfThere(this.#path, { maxBytes, trusted: true });
    if (!bytes) return new Map();
    try {
      const { users } = file.parse(parseJson(bytes.toString('utf8')));
      return new Map(users.map((each) => [keyOf(each.name), each]));
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error);
      throw new KameError('FILE_ACCESS', `${this.#path} is not as Kame writes it: ${why}`, {
        next: 'Restore it from a backup, or move it away and add the users again.',
        details: { path: this.#path },
        cause: error,
      });
    }
  }
}

function noSuchUser(name: string): KameError {
  return new KameError('NO_SUCH_USER', `The web desktop has no user ${name}.`);
}
