import type { Route } from './route.ts';

/**
 * What a user of the web desktop may do, from less to more; each role may do what those before it may. A viewer sees the machines
 * and their screens, an operator also runs them and works in their guests, an owner may do everything.
 */
export const roles = ['viewer', 'operator', 'owner'] as const;
export type Role = (typeof roles)[number];

/** What a client may do. */
export interface Rights {
  readonly role: Role;
  /** The ids of the machines that it may see; null for all. */
  readonly machines: readonly string[] | null;
}

/** Of the user of this computer whose daemon it is. */
export const allRights: Rights = { role: 'owner', machines: null };

/** Whether a role includes another one. */
export function includes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/**
 * Whether an operation is permitted at all. Whether it is for this machine is a question of its own: to a user of some machines, no
 * other exists.
 */
export function permits(
  { role, machines }: Rights,
  route: Pick<Route, 'role' | 'byMachine' | 'path'>,
): boolean {
  const isForSome = route.byMachine === true || route.path.includes('{machine}');
  return includes(role, route.role) && (machines === null || isForSome);
}
