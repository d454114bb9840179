import { KameError } from '../core/errors.ts';

export type HashAlgorithm = 'sha256' | 'sha512';

/** The hash that a file must have. */
export interface Checksum {
  readonly algorithm: HashAlgorithm;
  /** Hexadecimal, lower case. */
  readonly hex: string;
}

const hexLength: Record<HashAlgorithm, number> = { sha256: 64, sha512: 128 };

/** Parses a checksum: `sha256=HEX`, `sha512:HEX`, or bare hexadecimal of the right length. */
export function parseChecksum(text: string): Checksum | undefined {
  const [, name, digits] = /^(?:(sha256|sha512)[=:])?([0-9a-f]+)$/iu.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  const hex = digits.toLowerCase();
  for (const algorithm of ['sha256', 'sha512'] as const) {
    if (hex.length === hexLength[algorithm] && (name === undefined || name.toLowerCase() === algorithm)) {
      return { algorithm, hex };
    }
  }
  return undefined;
}

interface Line {
  readonly hex: string;
  readonly file?: string;
}

/**
 * Parses one line of a checksum file: GNU's `HEX  NAME` or `HEX *NAME`, BSD's `SHA256 (NAME) = HEX`, or a bare hash.
 */
function parseLine(line: string, algorithm: HashAlgorithm): Line | undefined {
  const length = hexLength[algorithm];
  const bsd = /^(SHA256|SHA512) \(([^)]{1,300})\) = ([0-9a-f]+)$/iu.exec(line);
  if (bsd) {
    const [, name, file, hex] = bsd;
    return name?.toLowerCase() === algorithm && hex?.length === length && file !== undefined
      ? { hex: hex.toLowerCase(), file }
      : undefined;
  }
  const [, hex, file] = /^([0-9a-f]{64,128})(?:\s+\*?(?:\.\/)?(\S{1,300}))?$/iu.exec(line) ?? [];
  if (hex?.length !== length) return undefined;
  return { hex: hex.toLowerCase(), ...(file === undefined ? {} : { file }) };
}

/**
 * Finds the hash of a file in the text of a checksum file. If the text has only one hash, that is used, whatever name
 * it has: the checksum of `…-latest` gives the name of the file that `latest` refers to.
 * @throws KameError CHECKSUM_MISMATCH when the file is not listed
 */
export function findChecksum(text: string, file: string, algorithm: HashAlgorithm, source: string): Checksum {
  const lines = text
    .split(/\r?\n/u)
    .map((line) => parseLine(line.trim(), algorithm))
    .filter((line) => line !== undefined);
  const named = lines.find((line) => line.file === file);
  const found = named ?? (lines.length === 1 ? lines[0] : undefined);
  if (found) return { algorithm, hex: found.hex };
  throw new KameError(
    'CHECKSUM_MISMATCH',
    `${source} does not list the ${algorithm} of ${file}, so the file cannot be verified.`,
    {
      next: 'The image may have moved: choose another from `kame image list`, or give its new address in catalogue.json.',
      details: { url: source },
    },
  );
}
