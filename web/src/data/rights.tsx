import { createContext, useContext, type ReactElement, type ReactNode } from 'react';
import { routes } from '../../../src/api/generated/routes.ts';
import { allRights, permits } from '../../../src/api/role.ts';
import type { WebSession } from '../../../src/api/web.ts';
import type { May } from './may.ts';

type OperationName = keyof typeof routes;

/** Who uses the page; the pages of tests and stories may do everything. */
const Who = createContext<WebSession>({ user: null, ...allRights });
/** The id of the machine that a part of the page is about. */
const Machine = createContext<string | undefined>(undefined);

/** Says to everything within who uses it. */
export const WhoProvider = Who.Provider;
/** Says to everything within which machine it is about. */
export const OfMachine = Machine.Provider;

export function useWho(): WebSession {
  return useContext(Who);
}

/** What tells whether an operation is permitted: by the same rule as in the daemon, which has the last word. */
export function useMay(): May {
  const who = useWho();
  const machine = useContext(Machine);
  return (name, id = machine) => permits(who, routes[name], id);
}

/** Shows something only to those who may use an operation. */
export function Permitted({ to, children }: { to: OperationName; children: ReactNode }): ReactElement | null {
  return useMay()(to) ? <>{children}</> : null;
}
