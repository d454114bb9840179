import { KameError } from '../core/errors.ts';
import { maxBackingName } from './qcow2-header.ts';

/** What QEMU takes for a protocol (`nbd:`, `json:`, `file:`) and not for a file: a colon before the first slash. */
export function namesProtocol(name: string): boolean {
  return /^[^/:]*:/u.test(name);
}

/** Whether the last part of a name can be a file's. */
export function namesFile(name: string): boolean {
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last !== '' && last !== '.' && last !== '..' && !name.includes('\0');
}

/**
 * A file's name in the form in which a qcow2 header may hold it: what QEMU would take for a protocol gets `./` before it.
 * @throws KameError INVALID_VALUE when no header can hold it
 */
export function writableBackingName(name: string): string {
  const written = namesProtocol(name) ? `./${name}` : name;
  const bytes = Buffer.from(written);
  if (!namesFile(name) || bytes.toString('utf8') !== written) {
    throw new KameError('INVALID_VALUE', `${JSON.stringify(name)} can't be the name of a disk's layer.`);
  }
  if (bytes.length > maxBackingName) {
    throw new KameError(
      'INVALID_VALUE',
      `The name of a disk's layer has ${bytes.length} bytes; qcow2 holds at most ${maxBackingName}: ${name}`,
      { next: 'Move the machines to a directory with a shorter path.' },
    );
  }
  return written;
}
