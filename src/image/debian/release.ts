import { KameError, messageOf } from '../../core/errors.ts';
import type { ArchiveKey } from './keys.ts';

/** A file listed in a Release file. */
export interface ReleaseEntry {
  readonly sha256: string;
  readonly size: number;
}

/** The content of a Release file; see https://wiki.debian.org/DebianRepository/Format. */
export interface Release {
  readonly codename: string;
  readonly version: string;
  readonly date: Date;
  readonly validUntil: Date | undefined;
  readonly byHash: boolean;
  readonly files: ReadonlyMap<string, ReleaseEntry>;
}

const maxLines = 100_000;
/** How far the date of the archive may be in the future before it counts as wrong. */
const clockSlackMs = 24 * 60 * 60 * 1000;

function bad(reason: string): KameError {
  return new KameError('CHECKSUM_MISMATCH', `The archive's InRelease file is not acceptable: ${reason}.`);
}

/**
 * Verifies the OpenPGP signature of an InRelease file and returns only the signed text.
 * @throws KameError CHECKSUM_MISMATCH when there is no valid signature by one of the keys
 */
export async function verifyInRelease(text: string, keys: readonly ArchiveKey[]): Promise<string> {
  const openpgp = await import('openpgp');
  const verificationKeys = [];
  for (const key of keys) {
    const loaded = await openpgp.readKey({ binaryKey: Buffer.from(key.base64, 'base64') });
    if (loaded.getFingerprint().toUpperCase() !== key.fingerprint) {
      throw new KameError(
        'INTERNAL',
        `The key "${key.name}" does not have the fingerprint ${key.fingerprint}.`,
      );
    }
    verificationKeys.push(loaded);
  }
  let verified;
  try {
    const message = await openpgp.readCleartextMessage({ cleartextMessage: text });
    verified = await openpgp.verify({ message, verificationKeys });
  } catch (error) {
    throw bad(`it is not a signed text (${messageOf(error)})`);
  }
  const reasons: string[] = [];
  for (const signature of verified.signatures) {
    try {
      await signature.verified;
      return verified.data;
    } catch (error) {
      reasons.push(`${signature.keyID.toHex()}: ${messageOf(error)}`);
    }
  }
  throw bad(`it has no valid signature by an archive key (${reasons.join('; ') || 'no signature at all'})`);
}

function parseDate(value: string | undefined): Date | undefined {
  if (value === undefined) return undefined;
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) throw bad(`"${value.slice(0, 60)}" is not a date`);
  return date;
}

function parseFileLine(line: string, files: Map<string, ReleaseEntry>): void {
  const match = /^ ([0-9a-f]{64}) +(\d{1,15}) ([\w.+~/@-]{1,200})$/.exec(line);
  if (!match) throw bad(`its SHA256 list has the malformed line "${line.slice(0, 80)}"`);
  files.set(match[3] as string, { sha256: match[1] as string, size: Number(match[2]) });
}

/**
 * Reads a Release file whose signature was verified.
 * @throws KameError CHECKSUM_MISMATCH when it is malformed
 */
export function parseRelease(text: string): Release {
  const lines = text.split(/\r?\n/);
  if (lines.length > maxLines) throw bad(`it has more than ${maxLines} lines`);
  const fields = new Map<string, string>();
  const files = new Map<string, ReleaseEntry>();
  let section = '';
  for (const line of lines) {
    if (line.startsWith(' ')) {
      if (section === 'SHA256') parseFileLine(line, files);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    section = line.slice(0, colon);
    fields.set(section, line.slice(colon + 1).trim());
  }
  const date = parseDate(fields.get('Date'));
  if (!date) throw bad('it has no date');
  if (files.size === 0) throw bad('it has no SHA256 list of files');
  return {
    codename: fields.get('Codename') ?? '',
    version: fields.get('Version') ?? '',
    date,
    validUntil: parseDate(fields.get('Valid-Until')),
    byHash: fields.get('Acquire-By-Hash') === 'yes',
    files,
  };
}

/**
 * Rejects a Release file of another suite, from the future, or past its `Valid-Until` (which stable suites of Debian do
 * not have).
 * @throws KameError CHECKSUM_MISMATCH
 */
export function checkRelease(release: Release, suite: string, now: Date): void {
  if (release.codename !== suite)
    throw bad(`it belongs to "${release.codename.slice(0, 40)}", not to ${suite}`);
  if (release.date.getTime() > now.getTime() + clockSlackMs) {
    throw bad(`its date, ${release.date.toISOString()}, is in the future: check the clock of this host`);
  }
  if (release.validUntil && release.validUntil.getTime() < now.getTime()) {
    throw bad(`it was only valid until ${release.validUntil.toISOString()}`);
  }
}
