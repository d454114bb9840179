import type { Route } from './route.ts';

/**
 * What a user of the web desktop may do, from less to more; each role may do what those before it may. A viewer sees the machines
 * and their screens, an operator also runs them and works in their guests, an owner may do everything.
 */
export const roles = ['viewer', 'operator', 'owner'] as const;
export type Role = (typeof roles)[number];

/** A role, and the machines that it is for. */
export interface Grant {
  readonly role: Role;
  /** Their ids; null for all. */
  readonly machines: readonly string[] | null;
}

/** What a client may do: everything that at least one of its grants permits. */
export interface Rights {
  readonly grants: readonly Grant[];
}

/** Of the user of this computer whose daemon it is. */
export const allRights: Rights = { grants: [{ role: 'owner', machines: null }] };

/** Whether a role includes another one. */
export function includes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** Whether a grant is for a machine. @param id null or empty if it has none, as a broken one: then it is for nobody of some machines */
function isFor({ machines }: Grant, id: string | null): boolean {
  return machines === null || (id !== null && id !== '' && machines.includes(id));
}

/** Whether somebody has at least this role on a machine. @param id of the machine, as in `isFor` */
export function hasRole({ grants }: Rights, needed: Role, id: string | null): boolean {
  return grants.some((grant) => includes(grant.role, needed) && isFor(grant, id));
}

/** Whether somebody has at least this role on all machines, and so on the host. */
export function hasRoleOnAll(rights: Rights, needed: Role): boolean {
  return hasRole(rights, needed, null);
}

/** The most that somebody may do, on a machine or, without an id, on any. */
export function strongestRole({ grants }: Rights, id?: string | null): Role | undefined {
  const its = grants.filter((grant) => id === undefined || isFor(grant, id));
  return roles.findLast((role) => its.some((grant) => grant.role === role));
}

/**
 * Whether an operation is permitted.
 * @param id of the machine that it is for, as in `isFor`. Without it, whether the operation is permitted at all: on some machine. To a
 * user of some machines, no other exists
 */
export function permits(
  rights: Rights,
  route: Pick<Route, 'role' | 'byMachine' | 'path'>,
  id?: string | null,
): boolean {
  if (route.path.includes('{machine}') && id !== undefined) return hasRole(rights, route.role, id);
  const isForSome = route.byMachine === true || route.path.includes('{machine}');
  return isForSome
    ? rights.grants.some(({ role }) => includes(role, route.role))
    : hasRoleOnAll(rights, route.role);
}
