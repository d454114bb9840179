import { KameError } from '../core/errors.ts';
import { shown } from './problem.ts';

const maxLength = 80;
const deviceNames = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)(?:\.|$)/i;

/** What is wrong with the name, or undefined when nothing is. */
function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (Array.from(name).length > maxLength)
    return `has ${Array.from(name).length} characters; at most ${maxLength} are allowed`;
  if (/[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(name)) return 'has a control character';
  if (name.startsWith('-')) return 'starts with a dash, as options do';
  if (!/^[\p{L}\p{N}]/u.test(name)) return 'does not start with a letter or digit';
  const odd = /[^\p{L}\p{N}\p{M} ._()-]/u.exec(name)?.[0];
  if (odd !== undefined) return `has "${odd}", which no name may have`;
  if (name.includes('..')) return 'has two dots in a row';
  if (/[. ]$/.test(name)) return 'ends with a dot or a space';
  if (deviceNames.test(name)) return 'is a device name on Windows';
  return undefined;
}

/**
 * Checks a machine's name, which becomes names of files on any host: 1 to 80 letters (of any script), digits, spaces
 * and `. _ - ( )`, starting with a letter or digit, not ending with a dot or space.
 * @throws KameError INVALID_NAME that names what is wrong
 */
export function checkMachineName(name: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) {
    throw new KameError('INVALID_NAME', `The name "${shown(name)}" ${fault}.`, {
      details: { name: shown(name) },
    });
  }
}
