import { aborted, pause } from '../../core/deadline.ts';
import { KameError, messageOf } from '../../core/errors.ts';
import { serveGuestInfo, type GuestInfoRequest } from '../../guest/tools/guest-info.ts';
import { guestInfoKey, withGuestInfo } from '../../model/guest-info.ts';
import { toolsPort } from '../../qemu/plan/channels.ts';
import { contentOf } from '../../store/bundle.ts';
import { getText } from '../../vmx/document.ts';
import { getBoolean } from '../../vmx/values.ts';
import type { Host } from '../host/host.ts';
import type { Running } from '../host/running.ts';
import { watchPort } from './guest-port.ts';
import { changeRecord } from './record.ts';

/** VMware's key that forbids a guest to set variables. */
const settingKey = 'isolation.tools.setInfo.disable';
/** Milliseconds until kame-tools that do not serve are asked again: at first, and at most. */
const [retryMs, longestRetryMs] = [1000, 30_000];

/**
 * Sets a variable of a running machine, until it stops. The file of the machine keeps the value with which it starts.
 * @throws KameError INVALID_VALUE, DISK_FULL, FILE_ACCESS
 */
export async function setGuestInfo(machine: Running, name: string, value: string): Promise<void> {
  const key = guestInfoKey(name);
  if (key === undefined)
    throw new KameError('INVALID_VALUE', `"${name.slice(0, 200)}" is no variable of guests.`, {
      next: 'Use a name such as guestinfo.role: letters, digits, dots, dashes, colons and underscores.',
    });
  await changeRecord(machine, { guestInfo: withGuestInfo(machine.record.guestInfo, key, value) });
}

/** Answers the guest, which is not trusted: it gets at nothing but its variables. */
async function answer(
  host: Host,
  machine: Running,
  { operation, key: name, value }: GuestInfoRequest,
): Promise<string | null> {
  const { document } = contentOf(await host.bundles.read(machine.names.vmx));
  if (operation === 'set') {
    if (getBoolean(document, settingKey, false))
      throw new KameError('WRONG_STATE', `${settingKey} is TRUE on the host, so the guest sets no variables`);
    await setGuestInfo(machine, name, value);
    return null;
  }
  const key = guestInfoKey(name);
  if (key === undefined) throw new KameError('INVALID_VALUE', 'Guests read variables guestinfo.* only');
  return machine.record.guestInfo[key] ?? getText(document, key) ?? null;
}

/** One connection to kame-tools, until it ends. @throws KameError */
async function serve(host: Host, machine: Running, signal: AbortSignal): Promise<void> {
  const { tools } = machine.channels;
  const { services } = await tools.hello({ signal });
  // Older kame-tools do not know the service, and newer ones come with another connection.
  if (services.includes('guestinfo'))
    await serveGuestInfo(tools, async (request) => await answer(host, machine, request), signal);
  else await Promise.race([tools.ended(), aborted(signal)]);
}

async function keepServing(host: Host, machine: Running, signal: AbortSignal): Promise<void> {
  // What is asked for now would only hold up the work on clones.
  await Promise.race([machine.newClone?.identityGiven, aborted(signal)]);
  for (let waitMs = retryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
    const began = performance.now();
    try {
      await serve(host, machine, signal);
    } catch (error) {
      // Whoever needs kame-tools is told why they do not answer.
      if (!(error instanceof KameError)) throw error;
    }
    if (performance.now() - began > longestRetryMs) waitMs = retryMs;
    await pause(waitMs, signal);
  }
}

/** Lets the guest read and set its variables for as long as kame-tools run in it. */
export function watchGuestInfo(host: Host, machine: Running): void {
  let serving = new AbortController();
  const portChanged = (open: boolean) => {
    serving.abort();
    serving = new AbortController();
    if (!open) return;
    keepServing(host, machine, serving.signal).catch((error: unknown) =>
      host.log('Variables of the guest', { machine: machine.name, reason: messageOf(error) }),
    );
  };
  void machine.ended.then(() => serving.abort());
  watchPort(host, machine, toolsPort, { portChanged });
}
