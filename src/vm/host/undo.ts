import { messageOf } from '../../core/errors.ts';
import type { Bundle } from '../../store/bundle.ts';
import { readJournal, writeJournal } from '../../store/journal.ts';
import { hold } from './hold.ts';
import type { Host } from './host.ts';
import type { Running } from './running.ts';
import { settle } from './settle.ts';

/** Milliseconds to wait until a silent engine answers again. Until then, every command on the machine tries it too. */
const dayMs = 24 * 3600 * 1000;

/** Undoes what the journal describes when the engine answers again, so that a guest that was paused continues. */
async function undoLater(host: Host, { engine, names }: Running): Promise<void> {
  await engine.qmp.execute('query-status', {}, { timeoutMs: dayMs });
  const request = { verb: 'change', needs: 'any', settles: false } as const;
  await hold(host, names.vmx, request, async ({ bundle }) => {
    await settle(host, bundle, { failed: true });
  });
}

/** Whoever settles it later, even the next daemon, must not finish what was told to have failed. */
async function markFailed(host: Host, { names }: Bundle): Promise<void> {
  const journal = await readJournal(host.names, names);
  if (journal?.kind === 'layer') await writeJournal(host.names, names, { ...journal, failed: true });
}

/**
 * Undoes an operation that has just failed or was cancelled. With an engine that does not answer, that must wait until it
 * does; the caller does not.
 * @returns the error to throw
 * @throws KameError the reason why it cannot be undone
 */
export async function undo(host: Host, bundle: Bundle, error: unknown): Promise<unknown> {
  const machine = host.running.get(bundle.names.vmx);
  try {
    await settle(host, bundle, { failed: true });
  } catch (problem) {
    if (!machine?.engine.qmp.silent) throw problem;
    await markFailed(host, bundle);
    undoLater(host, machine).catch((reason: unknown) => {
      host.log('An operation could not be undone yet', { machine: machine.name, reason: messageOf(reason) });
    });
  }
  return error;
}
