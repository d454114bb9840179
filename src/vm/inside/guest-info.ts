import type { GuestInfo, SetGuestInfo } from '../../api/guest-info.ts';
import { guestInfoKey } from '../../model/guest-info.ts';
import { contentOf } from '../../store/bundle.ts';
import { entriesOf } from '../../vmx/document.ts';
import { findBundle } from '../host/find.ts';
import type { Host } from '../host/host.ts';
import { runningMachine } from '../host/state.ts';
import { setGuestInfo } from '../running/guest-info.ts';

/**
 * The variables of a machine: those of its `.vmx`, and what was set since it started.
 * @throws KameError NO_SUCH_MACHINE, BROKEN_MACHINE
 */
export async function showGuestInfo(host: Host, reference: string): Promise<GuestInfo> {
  const bundle = await findBundle(host, reference);
  const written = entriesOf(contentOf(bundle).document).flatMap(({ key, value }) => {
    const known = guestInfoKey(key);
    return known === undefined ? [] : [[known, value] as const];
  });
  const set = host.running.get(bundle.names.vmx)?.record.guestInfo ?? {};
  return { variables: { ...Object.fromEntries(written), ...set } };
}

/** Sets a variable of a machine that runs. @throws KameError NO_SUCH_MACHINE, WRONG_STATE, INVALID_VALUE, DISK_FULL, FILE_ACCESS */
export async function changeGuestInfo(
  host: Host,
  reference: string,
  { name, value }: SetGuestInfo,
): Promise<{ ok: true }> {
  await setGuestInfo(await runningMachine(host, reference), name, value);
  return { ok: true };
}
