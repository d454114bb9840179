import { KameError } from '../core/errors.ts';

export type HashAlgorithm = 'sha256' | 'sha512';

/** A hash that a file must have. */
export interface Checksum {
  readonly algorithm: HashAlgorithm;
  /** Lower-case hexadecimal. */
  readonly hex: string;
}

const hexLength: Record<HashAlgorithm, number> = { sha256: 64, sha512: 128 };

/** A checksum as people write it: `sha256=HEX`, `sha512:HEX`, or bare hexadecimal of a known length. */
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

/** One line of a sums file: GNU's `HEX  NAME` or `HEX *NAME`, BSD's `SHA256 (NAME) = HEX`, or a bare hash. */
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
 * Finds a file's hash in the text of a sums file. A file that lists only one hash is about that one, whatever it
 * calls it: sums of `…-latest` name the file that `latest` stands for.
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
    `${source} lists no ${algorithm} of ${file}, so it can't be checked.`,
    {
      next: 'The image may have moved. `kame image list` shows others; a catalogue.json of yours can name the new place.',
      details: { url: source },
    },
  );
}
