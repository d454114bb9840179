import { KameError } from '../core/errors.ts';
import { shown } from './problem.ts';

const maxLength = 80;
const deviceNames = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)(?:\.|$)/i;

/** What is wrong with a name, or undefined if it is valid. */
function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (Array.from(name).length > maxLength)
    return `has ${Array.from(name).length} characters; at most ${maxLength} are allowed`;
  if (/[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(name)) return 'contains a control character';
  if (name.startsWith('-')) return 'starts with a dash, like an option';
  if (!/^[\p{L}\p{N}]/u.test(name)) return 'does not start with a letter or digit';
  const odd = /[^\p{L}\p{N}\p{M} ._()-]/u.exec(name)?.[0];
  if (odd !== undefined) return `contains "${odd}", which is not allowed`;
  if (name.includes('..')) return 'contains two dots in a row';
  if (/[. ]$/.test(name)) return 'ends with a dot or a space';
  if (deviceNames.test(name)) return 'is a device name on Windows';
  return undefined;
}

/**
 * Checks the name of a machine, which must be a valid file name on every host: 1 to 80 letters (of any script), digits,
 * spaces and `. _ - ( )`, starting with a letter or digit, not ending with a dot or space.
 * @throws KameError INVALID_NAME with the reason
 */
export function checkMachineName(name: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) {
    throw new KameError('INVALID_NAME', `The name "${shown(name)}" ${fault}.`, {
      details: { name: shown(name) },
    });
  }
}
