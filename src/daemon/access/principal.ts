import type { IncomingMessage } from 'node:http';
import { allRights, type Rights } from '../../api/role.ts';
import { KameError } from '../../core/errors.ts';

/** Who sent a request, and what they may do. */
export interface Principal extends Rights {
  /** The name of a user of the web desktop; null for the user of this computer whose daemon this is. */
  readonly user: string | null;
  /** `socket`, `browser` (both on this computer), or the address of another computer. */
  readonly from: string;
}

/** The user of this computer, who can open the Unix socket of the daemon or an address that `kame open` prints. */
export function localPrincipal(from: 'socket' | 'browser'): Principal {
  return { user: null, from, ...allRights };
}

const known = new WeakMap<IncomingMessage, Principal>();

/** Says who sent a request that a door for browsers passes on. */
export function identify(request: IncomingMessage, principal: Principal): void {
  known.set(request, principal);
}

/**
 * Who sent a request. Whoever can open the Unix socket is the user of this computer; its mode is the check.
 * @throws KameError FORBIDDEN for a request over TCP that no door has identified
 */
export function principalOf(request: IncomingMessage): Principal {
  const principal = known.get(request);
  if (principal) return principal;
  // A Unix socket has no port.
  if (request.socket.remotePort !== undefined)
    throw new KameError('FORBIDDEN', 'The request comes from a port, and nobody has said who sent it.');
  return localPrincipal('socket');
}
