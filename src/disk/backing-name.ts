import { KameError } from '../core/errors.ts';
import { maxBackingName } from './qcow2-header.ts';

/** Whether QEMU would treat a name as a protocol (`nbd:`, `json:`, `file:`): it has a colon before the first slash. */
export function namesProtocol(name: string): boolean {
  return /^[^/:]*:/u.test(name);
}

/** Whether the last component of a name can be a file name. */
export function namesFile(name: string): boolean {
  const last = name.slice(name.lastIndexOf('/') + 1);
  return last !== '' && last !== '.' && last !== '..' && !name.includes('\0');
}

/**
 * A file name as written into a qcow2 header: if QEMU would treat it as a protocol, it is prefixed with `./`.
 * @throws KameError INVALID_VALUE when a header cannot hold it
 */
export function writableBackingName(name: string): string {
  const written = namesProtocol(name) ? `./${name}` : name;
  const bytes = Buffer.from(written);
  if (!namesFile(name) || bytes.toString('utf8') !== written) {
    throw new KameError(
      'INVALID_VALUE',
      `${JSON.stringify(name)} is not a valid name for a layer of a disk.`,
    );
  }
  if (bytes.length > maxBackingName) {
    throw new KameError(
      'INVALID_VALUE',
      `The name of a layer is ${bytes.length} bytes long; qcow2 allows at most ${maxBackingName} bytes: ${name}`,
      { next: 'Move the machines to a directory with a shorter path.' },
    );
  }
  return written;
}
