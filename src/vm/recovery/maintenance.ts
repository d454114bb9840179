import { messageOf } from '../../core/errors.ts';
import { capSerialLog } from '../engine/serial-log.ts';
import type { Host } from '../host/host.ts';
import { startAutoProtect } from '../snapshot/autoprotect-clock.ts';

const everyMs = 15_000;

/**
 * What is looked after while machines run: a guest must not fill the host's disk through its console, and AutoProtect takes
 * its snapshots.
 */
export function startMaintenance(host: Host): Disposable {
  const timer = setInterval(() => {
    for (const { names, name } of host.running.all()) {
      capSerialLog(names.serialLog).catch((error: unknown) => {
        host.log('The console log could not be cut', { machine: name, reason: messageOf(error) });
      });
    }
  }, everyMs);
  timer.unref();
  const autoProtect = startAutoProtect(host);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      autoProtect[Symbol.dispose]();
    },
  };
}
