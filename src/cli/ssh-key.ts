import { KameError } from '../core/errors.ts';
import { readFileCapped } from '../sys/files.ts';

const maxKeyFile = 64 * 1024;
const types = 'ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-sha2-';
/** As sshd(8) describes a line of authorized_keys: options may be before the type, and a comment after the key. */
const form = new RegExp(`(?:^|[\\s,"])((?:${types})[A-Za-z0-9@.+-]+)\\s+([A-Za-z0-9+/]{16,}={0,3})(?:\\s|$)`);

/** The type that a key itself begins with: four bytes for its length, then the text (RFC 4253, section 6.6). */
function typeIn(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  return bytes.subarray(4, 4 + length).toString('latin1');
}

/** Whether a line is an SSH public key, as in `id_ed25519.pub` or `authorized_keys`. */
function isPublicKey(line: string): boolean {
  const [, type, base64] = form.exec(line) ?? [];
  return type !== undefined && base64 !== undefined && typeIn(base64) === type;
}

/**
 * The public keys in a file, one per line as in `authorized_keys`.
 * @throws KameError USAGE for a private key or a file without keys, FILE_ACCESS
 */
export async function publicKeysIn(path: string): Promise<string[]> {
  const text = (await readFileCapped(path, maxKeyFile)).toString('utf8');
  if (text.includes('PRIVATE KEY')) {
    throw new KameError('USAGE', `${path} is a private key, not a public key.`, {
      next: 'Use the public key, whose file name ends in .pub.',
    });
  }
  const keys = text.split('\n').flatMap((line) => {
    const key = line.trim();
    return key === '' || key.startsWith('#') ? [] : [key];
  });
  const wrong = keys.findIndex((key) => !isPublicKey(key));
  if (keys.length === 0 || wrong >= 0) {
    throw new KameError('USAGE', `${path} is not an SSH public key, or a file of such keys.`, {
      next: 'Use a file such as ~/.ssh/id_ed25519.pub; `ssh-keygen -t ed25519` makes one.',
    });
  }
  return keys;
}
