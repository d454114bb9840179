import { createContext, useContext, type ReactElement, type ReactNode } from 'react';
import { routes } from '../../../src/api/generated/routes.ts';
import { allRights, permits } from '../../../src/api/role.ts';
import type { WebSession } from '../../../src/api/web.ts';

type OperationName = keyof typeof routes;
/** Tells whether an operation is permitted. */
export type May = (name: OperationName) => boolean;

/** Who uses the page; the pages of tests and stories may do everything. */
const Who = createContext<WebSession>({ user: null, role: allRights.role, machines: null });

/** Says to everything within who uses it. */
export const WhoProvider = Who.Provider;

export function useWho(): WebSession {
  return useContext(Who);
}

/** What tells whether an operation is permitted: by the same rule as in the daemon, which has the last word. */
export function useMay(): May {
  const who = useWho();
  return (name) => permits(who, routes[name]);
}

/** Shows something only to those who may use an operation. */
export function Permitted({ to, children }: { to: OperationName; children: ReactNode }): ReactElement | null {
  return useMay()(to) ? <>{children}</> : null;
}
