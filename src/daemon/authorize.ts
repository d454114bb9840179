import type { Operation } from '../api/operation.ts';
import { hasRole, hasRoleOnAll, permits, strongestRole } from '../api/role.ts';
import { KameError } from '../core/errors.ts';
import { findBundle } from '../vm/host/find.ts';
import type { Host } from '../vm/host/host.ts';
import type { Principal } from './access/principal.ts';

type Params = Readonly<Record<string, string>>;

/** To a user of some machines, another one does not exist, and nothing tells whether it does. */
function noSuchMachine(machine: string): KameError {
  return new KameError('NO_SUCH_MACHINE', `There is no machine ${machine}.`, { details: { machine } });
}

async function idOf(host: Host, machine: string): Promise<string | null> {
  try {
    return (await findBundle(host, machine)).content?.model.uuid ?? null;
  } catch {
    // The reasons name other machines and their files.
    return null;
  }
}

function notPermitted(principal: Principal, operation: Operation, id?: string | null): KameError {
  const who = principal.user ?? 'This user';
  const role = strongestRole(principal, id) ?? 'nobody';
  const what = `${operation.summary.charAt(0).toLowerCase()}${operation.summary.slice(1)}`;
  const least = hasRoleOnAll(principal, 'viewer') ? operation.role : `${operation.role} of all machines`;
  return new KameError('NOT_PERMITTED', `${who} is ${role}, and must be ${least} to: ${what}.`, {
    details: { role, needed: operation.role },
  });
}

/**
 * THE CHECK whether somebody may use an operation, before anything else is done for a request.
 * @returns the parameters of the path. For a user with a role on some machines, the machine is named by its id, so that it stays the
 * one that was checked
 * @throws KameError NOT_PERMITTED, NO_SUCH_MACHINE
 */
export async function authorize(
  host: Host,
  principal: Principal,
  operation: Operation,
  params: Params,
): Promise<Params> {
  if (!permits(principal, operation)) throw notPermitted(principal, operation);
  const { machine } = params;
  if (machine === undefined || principal.grants.every(({ machines }) => machines === null)) return params;
  const id = await idOf(host, machine);
  if (!hasRole(principal, 'viewer', id)) throw noSuchMachine(machine);
  if (!permits(principal, operation, id)) throw notPermitted(principal, operation, id);
  return id === null ? params : { ...params, machine: id };
}
