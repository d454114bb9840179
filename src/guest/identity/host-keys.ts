import { createHash, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { KameError } from '../../core/errors.ts';
import { privateKeyText, publicBlob, sshInteger, sshString, type OpensshKey } from './openssh.ts';

/** Kinds of SSH host keys, as in the names of their files: /etc/ssh/ssh_host_KIND_key. */
export const hostKeyTypes = ['ed25519', 'ecdsa', 'rsa'] as const;
export type HostKeyType = (typeof hostKeyTypes)[number];

export interface HostKey {
  readonly type: HostKeyType;
  /** The whole private key file. Secret: it must not come into a log, a report or an argument of a program. */
  readonly privateKey: string;
  /** The line of the `.pub` file, without a line break. */
  readonly publicKey: string;
  /** As `ssh-keygen -l` shows it: `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
}

/** As ssh-keygen makes them by default. */
const rsaBits = 3072;
const generate = promisify(generateKeyPair);

/** A member of a JSON Web Key (RFC 7518), which holds the numbers of a key as base64url. */
function bytesOf(key: KeyObject, name: 'n' | 'e' | 'd' | 'p' | 'q' | 'qi' | 'x' | 'y'): Buffer {
  const value = key.export({ format: 'jwk' })[name];
  if (value === undefined) throw new KameError('INTERNAL', `A new SSH host key has no ${name}.`);
  return Buffer.from(value, 'base64url');
}

async function ed25519(comment: string): Promise<OpensshKey> {
  const { privateKey } = await generate('ed25519');
  const [point, seed] = [bytesOf(privateKey, 'x'), bytesOf(privateKey, 'd')];
  return {
    algorithm: 'ssh-ed25519',
    publicFields: [sshString(point)],
    privateFields: [sshString(point), sshString(Buffer.concat([seed, point]))],
    comment,
  };
}

async function ecdsa(comment: string): Promise<OpensshKey> {
  const { privateKey } = await generate('ec', { namedCurve: 'P-256' });
  // 4 says that both coordinates follow, whole (SEC 1, 2.3.3).
  const point = Buffer.concat([Buffer.from([4]), bytesOf(privateKey, 'x'), bytesOf(privateKey, 'y')]);
  const publicFields = [sshString('nistp256'), sshString(point)];
  return {
    algorithm: 'ecdsa-sha2-nistp256',
    publicFields,
    privateFields: [...publicFields, sshInteger(bytesOf(privateKey, 'd'))],
    comment,
  };
}

async function rsa(comment: string): Promise<OpensshKey> {
  const { privateKey } = await generate('rsa', { modulusLength: rsaBits });
  const field = (name: 'n' | 'e' | 'd' | 'qi' | 'p' | 'q') => sshInteger(bytesOf(privateKey, name));
  return {
    algorithm: 'ssh-rsa',
    publicFields: [field('e'), field('n')],
    privateFields: [field('n'), field('e'), field('d'), field('qi'), field('p'), field('q')],
    comment,
  };
}

const makers: Readonly<Record<HostKeyType, (comment: string) => Promise<OpensshKey>>> = {
  ed25519,
  ecdsa,
  rsa,
};

/**
 * Makes an SSH host key on this host, whose random numbers are no copy of another machine's. The work is done in a
 * thread of Node's pool: 100 to 500 ms for RSA, a few for the others.
 * @param comment what stands behind the public key, such as `root@web`
 */
export async function makeHostKey(type: HostKeyType, comment: string): Promise<HostKey> {
  const key = await makers[type](comment);
  const blob = publicBlob(key);
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '');
  return {
    type,
    privateKey: privateKeyText(key, randomBytes(4)),
    publicKey: `${key.algorithm} ${blob.toString('base64')} ${comment}`,
    fingerprint: `SHA256:${digest}`,
  };
}
