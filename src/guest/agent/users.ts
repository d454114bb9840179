import { arrayOf, objectOf, senseless } from './reply.ts';

/** Replies about users, as in qga/qapi-schema.json of QEMU. */

const maxSessions = 1000;
const maxKeys = 1000;
const maxName = 256;
const maxKey = 16_384;

/** Users who are logged in, each with the time of the first login. */
export function readSessions(value: unknown): ReadonlyMap<string, Date> {
  const command = 'guest-get-users';
  const found = new Map<string, Date>();
  for (const item of arrayOf(value, command, maxSessions)) {
    const { user, 'login-time': login } = objectOf(item, command);
    if (typeof user !== 'string' || user.length > maxName) throw senseless(command, 'a user has no name');
    const since = new Date(typeof login === 'number' ? login * 1000 : Number.NaN);
    if (Number.isNaN(since.getTime())) throw senseless(command, 'a login has no time');
    const known = found.get(user);
    if (!known || since < known) found.set(user, since);
  }
  return found;
}

/** Lines of authorized_keys, without those that are empty. */
export function readKeys(value: unknown): string[] {
  const command = 'guest-ssh-get-authorized-keys';
  const keys = arrayOf(objectOf(value, command)['keys'], command, maxKeys);
  return keys.flatMap((key) => {
    if (typeof key !== 'string' || key.length > maxKey) throw senseless(command, 'a key is no text');
    return key.trim() === '' ? [] : [key];
  });
}
