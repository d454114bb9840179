import { KameError } from '../../core/errors.ts';

/** What programs of a guest say, and the code of the failure in the detail `reason`. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/no such file/iu, 'noSuchFile'],
  [/permission denied/iu, 'denied'],
  [/read-only file system/iu, 'readOnly'],
  [/no space left/iu, 'noSpace'],
  [/not a directory/iu, 'notDirectory'],
  [/file exists/iu, 'exists'],
];

/** The failure of a program in the guest. @param said what it wrote to standard error */
export function guestFailure(said: string): KameError {
  const text = said.trim();
  const reason = reasons.find(([pattern]) => pattern.test(text))?.[1];
  const words = text === '' ? 'a program in it has failed' : text;
  return new KameError('GUEST_FAILED', `The guest could not do that: ${words}.`, {
    details: reason === undefined ? {} : { reason },
  });
}
