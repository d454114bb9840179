import { messageOf } from '../../core/errors.ts';
import { capSerialLog } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import { refreshCompatFiles } from '../network/compat-files.ts';
import { startGuestTime } from '../running/guest-time.ts';
import { startAutoProtect } from '../snapshot/autoprotect-clock.ts';

const everyMs = 15_000;

/**
 * Starts the periodic work for running machines: limits console logs, so that a guest cannot fill the host's disk, keeps
 * the guests' clocks and the files about the networks right, and runs AutoProtect.
 */
export function startMaintenance(host: Host): Disposable {
  const timer = setInterval(() => {
    for (const { names, name } of host.running.all()) {
      capSerialLog(names.serialLog).catch((error: unknown) => {
        host.log('Could not empty a console log', { machine: name, reason: messageOf(error) });
      });
    }
    refreshCompatFiles(host).catch((error: unknown) => {
      host.log('Could not write the files about the networks', { reason: messageOf(error) });
    });
  }, everyMs);
  timer.unref();
  const guestTime = startGuestTime(host);
  const autoProtect = startAutoProtect(host);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      guestTime[Symbol.dispose]();
      autoProtect[Symbol.dispose]();
    },
  };
}
