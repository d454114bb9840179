import type { Operation } from '../api/operation.ts';
import { permits } from '../api/role.ts';
import { KameError } from '../core/errors.ts';
import { findBundle } from '../vm/host/find.ts';
import type { Host } from '../vm/host/host.ts';
import { sees, type Principal } from './access/principal.ts';

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

/**
 * THE CHECK whether somebody may use an operation, before anything else is done for a request.
 * @returns the parameters of the path. For a user of some machines, the machine is named by its id, so that it stays the one
 * that was checked
 * @throws KameError NOT_PERMITTED, NO_SUCH_MACHINE
 */
export async function authorize(
  host: Host,
  principal: Principal,
  operation: Operation,
  params: Params,
): Promise<Params> {
  if (!permits(principal, operation)) {
    const who = principal.user ?? 'This user';
    const what = `${operation.summary.charAt(0).toLowerCase()}${operation.summary.slice(1)}`;
    const least = principal.machines === null ? operation.role : `${operation.role} of all machines`;
    throw new KameError('NOT_PERMITTED', `${who} is ${principal.role}, and must be ${least} to: ${what}.`, {
      details: { role: principal.role, needed: operation.role },
    });
  }
  const { machine } = params;
  if (principal.machines === null || machine === undefined) return params;
  const id = await idOf(host, machine);
  if (id === null || !sees(principal, id)) throw noSuchMachine(machine);
  return { ...params, machine: id };
}
