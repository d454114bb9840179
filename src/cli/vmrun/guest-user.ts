import type { Call } from './command.ts';
import { VmrunError } from './vmrun-error.ts';

/** The user for whom the daemon does something; without one it is root, which needs the guest agent only. */
export interface AsUser {
  readonly user?: string;
}

const refused = 'Invalid user name or password for the guest OS';

/** Checks -gu and -gp in the guest. @throws VmrunError when they are missing or wrong */
export async function asUser({ client, machine, login, signal }: Call): Promise<AsUser> {
  if (!login || login.user === '')
    throw new VmrunError(refused, 'Name a user of the guest: -gu USER -gp PASSWORD.');
  const { user, password } = login;
  if (password === '') throw new VmrunError('The guest OS does not support empty passwords');
  if (/[\0-\u0020:/\u007f]/u.test(user)) throw new VmrunError(refused);
  const { valid } = await client.guestUsers.checkPassword(machine, user, { password }, { signal });
  if (!valid) throw new VmrunError(refused);
  return user === 'root' ? {} : { user };
}
