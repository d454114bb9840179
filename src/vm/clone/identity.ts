import { KameError, messageOf } from '../../core/errors.ts';
import { applyIdentity } from '../../guest/identity/identity.ts';
import { appendLog } from '../../store/bundle.ts';
import type { CloneIdentity } from '../../store/journal.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';

function refuseCancelled(machine: Running, signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new KameError('CANCELLED', `Cloning was cancelled before ${machine.name} had its own identity.`);
}

/**
 * Makes the guest of a clone a machine of its own. What fails is told, and stays as in the source.
 * @throws KameError CANCELLED: the clone may have parts of the source's identity, so it must not stay
 */
export async function giveIdentity(
  host: Host,
  machine: Running,
  identity: CloneIdentity,
  signal: AbortSignal = new AbortController().signal,
): Promise<string[]> {
  try {
    const report = await applyIdentity(machine.channels.agent, { ...identity, signal });
    refuseCancelled(machine, signal);
    await appendLog(
      machine.names,
      `identity: ${report.steps.map(({ name, result }) => `${name} ${result}`).join(', ')}`,
    );
    return report.steps
      .filter(({ result }) => result === 'failed')
      .map(
        ({ name, reason }) => `${machine.name}: ${name} could not be changed: ${reason ?? 'no reason told'}`,
      );
  } catch (error) {
    refuseCancelled(machine, signal);
    host.log('A clone kept its source’s identity', { machine: machine.name, reason: messageOf(error) });
    return [`${machine.name}: its guest kept the source’s names and keys: ${messageOf(error)}`];
  }
}
