import { KameError } from '../core/errors.ts';

export type ManifestAlgorithm = 'sha1' | 'sha256' | 'sha512';

/** The hash that a file of an appliance must have. */
export interface ManifestEntry {
  readonly algorithm: ManifestAlgorithm;
  /** Hexadecimal, lower case. */
  readonly hex: string;
}

export const manifestAlgorithms: readonly ManifestAlgorithm[] = ['sha1', 'sha256', 'sha512'];
const hexLength: Record<ManifestAlgorithm, number> = { sha1: 40, sha256: 64, sha512: 128 };
/** A line has some 150 bytes. */
export const maxManifestBytes = 1024 * 1024;

function badManifest(path: string, reason: string): KameError {
  return new KameError('CHECKSUM_MISMATCH', `${path}, the manifest of the appliance, ${reason}.`, {
    next: 'Get the appliance again from its source.',
    details: { path },
  });
}

/**
 * Parses a manifest: lines such as `SHA256(disk.vmdk)= HEX` (DSP0243, 5.1), with any spaces.
 * @param path its name, for messages
 * @returns the hashes by the names of the files
 * @throws KameError CHECKSUM_MISMATCH for a line that cannot be read, or a file with two different hashes
 */
export function parseManifest(path: string, bytes: Buffer): ReadonlyMap<string, ManifestEntry> {
  const entries = new Map<string, ManifestEntry>();
  for (const line of bytes.toString('utf8').split(/\r?\n/u)) {
    if (line.trim() === '') continue;
    const [, name, file, digits] =
      /^\s*(SHA-?(?:1|256|512))\s*\((.{1,1000})\)\s*=\s*([0-9a-f]+)\s*$/iu.exec(line) ?? [];
    const algorithm = manifestAlgorithms.find((known) => known === name?.toLowerCase().replace('-', ''));
    const hex = digits?.toLowerCase();
    if (algorithm === undefined || file === undefined || hex?.length !== hexLength[algorithm])
      throw badManifest(path, `has a line that is not a hash: ${JSON.stringify(line.slice(0, 100))}`);
    const known = entries.get(file);
    if (known && (known.hex !== hex || known.algorithm !== algorithm))
      throw badManifest(path, `has two hashes of ${JSON.stringify(file)}`);
    entries.set(file, { algorithm, hex });
  }
  return entries;
}
