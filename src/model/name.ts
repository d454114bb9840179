import { KameError } from '../core/errors.ts';
import { utf8Length } from '../core/text-width.ts';
import { shown } from './problem.ts';

const maxLength = 80;
/**
 * File systems allow 255 bytes in a file name. The longest that derives from the name of a machine is that of a temporary file:
 * `.NAME.operation.json.<12 hex>.tmp`.
 */
const maxBytes = 220;
const deviceNames = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)(?:\.|$)/i;

/** What is wrong with a name, or undefined if it is valid. */
function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (Array.from(name).length > maxLength)
    return `has ${Array.from(name).length} characters; at most ${maxLength} are allowed`;
  const bytes = utf8Length(name);
  if (bytes > maxBytes) return `has ${bytes} bytes as a file name; at most ${maxBytes} are allowed`;
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
 * A name as it is compared and given to new machines (Unicode NFC): one character can be written as several code points, and
 * hosts and keyboards differ in that.
 */
export function plainName(name: string): string {
  return name.normalize('NFC');
}

/**
 * Checks the name of a machine, which must be a valid file name on every host: 1 to 80 letters (of any script), digits,
 * spaces and `. _ - ( )`, at most 220 bytes in UTF-8, starting with a letter or digit, not ending with a dot or space.
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
