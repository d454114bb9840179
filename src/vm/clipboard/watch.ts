import type { ClipboardStatus } from '../../api/clipboard.ts';
import { aborted, pause } from '../../core/deadline.ts';
import { deferred } from '../../core/deferred.ts';
import type { Host } from '../host/host.ts';
import { statusOf } from './clipboard.ts';
import { machineFor, onClipboardChange, refuseIsolated } from './peer.ts';

/** Milliseconds between two reports: a guest that copies in a loop must not keep the host busy. */
const paceMs = 50;

export interface WatchOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Sends a report. Changes while it waits become one. */
  readonly send: (status: ClipboardStatus) => Promise<void>;
}

/**
 * Reports what is on the clipboard of a machine: now, and whenever it changes, also across agents that come and go. Ends
 * with the signal or the machine.
 * @throws KameError NO_SUCH_MACHINE, WRONG_STATE, also once it is forbidden
 */
export async function watchClipboard(
  host: Host,
  reference: string,
  { signal, send }: WatchOptions,
): Promise<void> {
  const machine = await machineFor(host, reference, 'copy');
  let ended = false;
  let change = deferred();
  using _listening = onClipboardChange(machine, () => change.resolve());
  const end = () => {
    ended = true;
    change.resolve();
  };
  void Promise.race([aborted(signal), machine.ended]).then(end);
  while (!ended) {
    change = deferred();
    // It may be forbidden meanwhile.
    await refuseIsolated(host, machine, 'copy');
    await send(statusOf(machine));
    if (!ended) await change.promise;
    if (!ended) await pause(paceMs, signal);
  }
}
