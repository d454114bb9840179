import { KameError, messageOf } from '../../../src/core/errors.ts';
import { errorFromBody } from '../../../src/client/core/errors.ts';
import type { Transport } from '../../../src/client/core/transport.ts';

async function ticketFor(path: string, signal: AbortSignal): Promise<string> {
  const reply = await fetch('/session/ticket', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path }),
    signal,
  }).catch((error: unknown) => {
    throw new KameError('DAEMON_UNREACHABLE', `Cannot reach the daemon: ${messageOf(error)}`, {
      cause: error,
    });
  });
  const body: unknown = await reply.json().catch(() => undefined);
  if (!reply.ok) throw errorFromBody(body, reply.status);
  return (body as { ticket: string }).ticket;
}

/** A transport whose WebSockets each have a ticket of the session: the daemon opens none without one (ADR 0050). */
export function withTickets(transport: Transport): Transport {
  return {
    send: async (call) => await transport.send(call),
    open: async (path, signal) =>
      await transport.open(`${path}?ticket=${await ticketFor(path, signal)}`, signal),
  };
}
