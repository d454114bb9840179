/** A field of the SSH wire format (RFC 4251, section 5): its length in four bytes, then its bytes. */
export function sshString(data: Uint8Array | string): Buffer {
  const bytes = Buffer.from(data);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A positive integer of the SSH wire format: as short as can be, with a zero before a first byte that has the sign bit. */
export function sshInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length && magnitude[start] === 0) start += 1;
  const bytes = Buffer.from(magnitude.subarray(start));
  return sshString((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export interface OpensshKey {
  /** Name of the kind, such as `ssh-ed25519`. */
  readonly algorithm: string;
  /** Fields of the public key behind its name, in wire format. */
  readonly publicFields: readonly Uint8Array[];
  /** Fields of the private key behind its name, in wire format. */
  readonly privateFields: readonly Uint8Array[];
  readonly comment: string;
}

/** The public key as it goes over the wire, and as base64 into a `.pub` file. */
export function publicBlob(key: OpensshKey): Buffer {
  return Buffer.concat([sshString(key.algorithm), ...key.publicFields]);
}

const magic = 'openssh-key-v1\0';
/** A cipher of none has blocks of 8 bytes. */
const blockSize = 8;
const lineLength = 70;

/**
 * The text of a private key file without a passphrase, in OpenSSH's own format (PROTOCOL.key in its sources).
 * @param check four random bytes, by which a reader knows that it has decrypted well
 */
export function privateKeyText(key: OpensshKey, check: Uint8Array): string {
  const secret = Buffer.concat([
    check,
    check,
    sshString(key.algorithm),
    ...key.privateFields,
    sshString(key.comment),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (blockSize - (secret.length % blockSize)) % blockSize }, (_, index) => index + 1),
  );
  const count = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    Buffer.from(magic, 'latin1'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    count,
    sshString(publicBlob(key)),
    sshString(Buffer.concat([secret, padding])),
  ]).toString('base64');
  const lines: string[] = [];
  for (let at = 0; at < body.length; at += lineLength) lines.push(body.slice(at, at + lineLength));
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}
