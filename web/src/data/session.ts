import { errorFromBody } from '../../../src/client/core/errors.ts';
import type { KameError } from '../../../src/core/errors.ts';
import type { WebSession } from '../../../src/api/web.ts';

/** Why the page has no session, as what it signs in with: an address of `kame open`, or a name and a password. */
export type SignedOut = 'address' | 'password';

async function post(body: unknown): Promise<Response> {
  return await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/**
 * Exchanges the ticket in the address of the page for a session, and takes it out of the address and the history. A page that is
 * loaded again has its cookie.
 */
export async function signIn(): Promise<void> {
  const ticket = location.hash.slice(1);
  // An address that begins with / is one within the page.
  if (ticket === '' || ticket.startsWith('/')) return;
  history.replaceState(null, '', location.pathname);
  await post({ ticket }).catch(() => undefined);
}

/** Signs in with a password. @returns why that failed. @throws TypeError if the daemon cannot be reached */
export async function signInAs(user: string, password: string): Promise<KameError | undefined> {
  const reply = await post({ user, password });
  if (reply.ok) return undefined;
  return errorFromBody(await reply.json().catch(() => undefined), reply.status);
}

/** Whose session this browser has, or how to get one; undefined if the daemon does not tell. */
export async function session(): Promise<WebSession | SignedOut | undefined> {
  const reply = await fetch('/session').catch(() => undefined);
  const body: unknown = await reply?.json().catch(() => undefined);
  if (!reply) return undefined;
  if (reply.ok) return body as WebSession;
  return errorFromBody(body, reply.status).details['signIn'] === 'password' ? 'password' : 'address';
}

/** Ends the session of this browser. */
export async function signOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE' }).catch(() => undefined);
}
