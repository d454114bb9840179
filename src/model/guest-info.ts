import { KameError } from '../core/errors.ts';
import { foldKey } from '../vmx/document.ts';

/** What the guest and others may set until the machine stops. VMware allows as much in all, by tools.setInfo.sizeLimit. */
export const guestInfoLimits = { names: 500, valueBytes: 64 * 1024, allBytes: 1024 * 1024 } as const;

const keyPattern = /^guestinfo\.[\w.:-]{1,180}$/;

/** The key of a variable that a machine shares with its guest, as it is compared, in ASCII lower case; undefined for a key that is no variable of guests. */
export function guestInfoKey(text: string): string | undefined {
  const key = foldKey(text);
  return keyPattern.test(key) ? key : undefined;
}

function invalid(reason: string, next: string): KameError {
  return new KameError('INVALID_VALUE', reason, { next });
}

/** What was set, with one more. @param key as `guestInfoKey` has it @throws KameError INVALID_VALUE beyond the limits */
export function withGuestInfo(
  set: Readonly<Record<string, string>>,
  key: string,
  value: string,
): Record<string, string> {
  if (value.includes('\0') || Buffer.byteLength(value) > guestInfoLimits.valueBytes)
    throw invalid(`The value of ${key} is not a text of at most 64 KiB.`, 'Set a shorter text.');
  const changed = { ...set, [key]: value };
  const entries = Object.entries(changed);
  const bytes = entries.reduce((sum, each) => sum + Buffer.byteLength(each.join('')), 0);
  if (entries.length > guestInfoLimits.names || bytes > guestInfoLimits.allBytes)
    throw invalid(
      'The variables of the guest would be more than 500, or have more than 1 MiB.',
      'Use fewer or shorter ones. They are gone when the machine stops.',
    );
  return changed;
}
