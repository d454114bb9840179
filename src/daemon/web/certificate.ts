import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { KameError, messageOf } from '../../core/errors.ts';
import { fileError, readCapped, readFileCapped, writeFileAtomic } from '../../sys/files.ts';
import { isOwner, readOwnIfThere } from '../../sys/own-file.ts';

const maxBytes = 256 * 1024;
/** A certificate that Kame made is made again when it is valid for less than that, in milliseconds. */
const renewMs = 30 * 24 * 60 * 60_000;

/** What a server shows to say who it is. */
export interface Certificate {
  /** In PEM, with those that it depends on. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256, in hexadecimal with colons. */
  readonly fingerprint: string;
  readonly validUntil: Date;
}

/** The files of a certificate that somebody else made. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

function bad(path: string, why: string, next: string, cause?: unknown): KameError {
  return new KameError('INVALID_VALUE', `${path} ${why}.`, { next, details: { path }, cause });
}

function parseCertificate(path: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw bad(
      path,
      `has no certificate in PEM: ${messageOf(error)}`,
      'Name the file of the certificate.',
      error,
    );
  }
}

function parseKey(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const next = 'Name the file of its private key, in PEM and without a passphrase.';
    throw bad(path, `has no private key that can be read: ${messageOf(error)}`, next, error);
  }
}

function combine(files: CertificateFiles, cert: string, key: string): Certificate {
  const parsed = parseCertificate(files.cert, cert);
  if (!parsed.checkPrivateKey(parseKey(files.key, key)))
    throw bad(files.key, `is not the key of ${files.cert}`, 'Name a certificate and its own key.');
  const validUntil = new Date(parsed.validTo);
  const now = Date.now();
  if (validUntil.getTime() < now || new Date(parsed.validFrom).getTime() > now)
    throw bad(
      files.cert,
      `is valid from ${parsed.validFrom} to ${parsed.validTo}, and not now`,
      'Renew the certificate, and check the clock of this computer.',
    );
  return { cert, key, fingerprint: parsed.fingerprint256, validUntil };
}

/** @throws KameError FILE_ACCESS if others can read it */
async function readPrivate(path: string): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { mode, uid } = await file.stat();
    if ((mode & 0o077) !== 0 || !isOwner(uid))
      throw new KameError('FILE_ACCESS', `${path} is a private key, and other users can read or change it.`, {
        next: `Permit it to its owner alone: chmod 600 ${path}`,
        details: { path },
      });
    return (await readCapped(file, path, maxBytes)).toString('utf8');
  } catch (error) {
    throw error instanceof KameError ? error : fileError(error, path);
  }
}

/** Reads a certificate that somebody else made. @throws KameError FILE_ACCESS, INVALID_VALUE */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const key = await readPrivate(files.key);
  const cert = (await readFileCapped(files.cert, maxBytes)).toString('utf8');
  return combine(files, cert, key);
}

/** What changes when a file is written again or replaced. */
export async function stampOf({ cert, key }: CertificateFiles): Promise<string> {
  const each = await Promise.all([cert, key].map(async (path) => await stat(path).catch(() => undefined)));
  return each.map((found) => `${found?.ino ?? 0}:${found?.mtimeMs ?? 0}:${found?.size ?? 0}`).join(' ');
}

/** Whether a certificate that Kame made has almost ended. */
export function mustBeRenewed({ validUntil }: Certificate): boolean {
  return validUntil.getTime() - Date.now() < renewMs;
}

function covers(cert: string, names: readonly string[]): boolean {
  const parsed = new X509Certificate(cert);
  return names.every(
    (name) => (isIP(name) === 0 ? parsed.checkHost(name) : parsed.checkIP(name)) !== undefined,
  );
}

/** What Kame made before; undefined if it has to be made. */
async function madeBefore(path: string, names: readonly string[]): Promise<Certificate | undefined> {
  const bytes = await readOwnIfThere(path, { maxBytes, trusted: true });
  if (!bytes) return undefined;
  try {
    const text = bytes.toString('utf8');
    const found = combine({ cert: path, key: path }, text, text);
    return !mustBeRenewed(found) && covers(text, names) ? found : undefined;
  } catch {
    // Whatever is wrong with it, a new one is as good: browsers ask people about that as well.
    return undefined;
  }
}

/**
 * The certificate of Kame's own for these names and addresses, which is made if there is none or it has almost ended.
 * @param make makes one, with its key
 * @throws KameError FILE_ACCESS, DISK_FULL, HOST_PROBLEM
 */
export async function ownCertificate(
  path: string,
  names: readonly string[],
  make: (names: readonly string[]) => Promise<string>,
): Promise<Certificate> {
  const before = await madeBefore(path, names);
  if (before) return before;
  const text = await make(names);
  await writeFileAtomic(path, text);
  return combine({ cert: path, key: path }, text, text);
}
