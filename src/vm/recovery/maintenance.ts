import type { KameEvent } from '../../api/messages.ts';
import { messageOf } from '../../core/errors.ts';
import { capSerialLog } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import { refreshCompatFiles } from '../network/compat-files.ts';
import { startGuestTime } from '../running/guest-time.ts';
import { startAutoProtect } from '../snapshot/autoprotect-clock.ts';

const everyMs = 15_000;
/** After these, the files about the networks may have to say something else. */
const configurationEvents: ReadonlySet<KameEvent['type']> = new Set([
  'network.changed',
  'machine.created',
  'machine.changed',
  'machine.deleted',
]);

async function capLogs({ running, log }: Host): Promise<void> {
  for (const { names, name } of running.all()) {
    await capSerialLog(names.serialLog).catch((error: unknown) => {
      log('Could not empty a console log', { machine: name, reason: messageOf(error) });
    });
  }
}

async function refreshFiles(host: Host): Promise<void> {
  await refreshCompatFiles(host).catch((error: unknown) => {
    host.log('Could not write the files about the networks', { reason: messageOf(error) });
  });
}

/**
 * Starts the periodic work for running machines: limits console logs, so that a guest cannot fill the host's disk, keeps
 * the guests' clocks and the files about the networks right, and runs AutoProtect, which alone wakes the daemon while no machine runs:
 * the files about the networks then change with their configuration only.
 */
export function startMaintenance(host: Host): Disposable {
  const ticks = host.running.tickWhileAny(everyMs, () => {
    void capLogs(host);
    void refreshFiles(host);
  });
  const changes = host.events.listen(({ type }) => {
    if (configurationEvents.has(type)) void refreshFiles(host);
  });
  const guestTime = startGuestTime(host);
  const autoProtect = startAutoProtect(host);
  return {
    [Symbol.dispose]() {
      for (const each of [ticks, changes, guestTime, autoProtect]) each[Symbol.dispose]();
    },
  };
}
