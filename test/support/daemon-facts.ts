import { KameError } from '../../src/core/errors.ts';
import { AuditLog } from '../../src/daemon/access/audit.ts';
import { Passwords } from '../../src/daemon/access/passwords.ts';
import { Users } from '../../src/daemon/access/users.ts';
import type { DaemonFacts, WebDoors } from '../../src/daemon/handlers/handler.ts';
import type { HomeNames } from '../../src/store/names.ts';
import type { Rights, Role } from '../../src/api/role.ts';

/** Hashes that are no work. */
export const cheap = { N: 16, r: 8, p: 1 } as const;

async function noWeb(): Promise<never> {
  return await Promise.reject(new KameError('HOST_PROBLEM', 'This daemon has no web desktop.'));
}

const noDoors: WebDoors = {
  open: noWeb,
  listen: noWeb,
  off: noWeb,
  show: () => ({ local: false, remote: null }),
};

/** A daemon in a test, without a web desktop unless one is given. */
export function daemonFacts(names: HomeNames, facts: Partial<DaemonFacts> = {}): DaemonFacts {
  return {
    version: '1.2.3',
    socket: 'kamed.sock',
    startedAt: new Date(),
    requestStop: () => undefined,
    web: noDoors,
    users: new Users(names.webUsers, new Passwords(cheap)),
    // The home of a test may be gone before its last entry is written.
    audit: new AuditLog(names.audit, () => undefined),
    ...facts,
  };
}

/** The rights of a user with one role, of all machines. */
export const onAll = (role: Role): Rights => ({ grants: [{ role, machines: null }] });
