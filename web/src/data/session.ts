/**
 * Exchanges the ticket in the address of the page for a session, and takes it out of the address and the history. A page that is
 * loaded again has its cookie.
 */
export async function signIn(): Promise<void> {
  const ticket = location.hash.slice(1);
  // An address that begins with / is one within the page.
  if (ticket === '' || ticket.startsWith('/')) return;
  history.replaceState(null, '', location.pathname);
  await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket }),
  }).catch(() => undefined);
}

/** Ends the session of this browser. */
export async function signOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE' }).catch(() => undefined);
}
