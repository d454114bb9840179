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
export function isPublicKey(line: string): boolean {
  const [, type, base64] = form.exec(line) ?? [];
  return type !== undefined && base64 !== undefined && typeIn(base64) === type;
}
