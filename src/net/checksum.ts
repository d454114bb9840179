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

/** A name of a list, without the `./` before it. */
function plainName(name: string): string {
  return name.replace(/^(?:\.\/)+/u, '');
}

/** GNU's tools write a backslash and a newline in a name as `\\` and `\n`, and begin such a line with a backslash. */
function unescaped(name: string): string {
  return name.replace(/\\([\\nr])/gu, (_all, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : '\\',
  );
}

/**
 * Parses one line of a checksum file: GNU's `HEX  NAME` or `HEX *NAME`, BSD's `SHA256 (NAME) = HEX`, or a bare hash. A name
 * may have spaces, parentheses and directories.
 */
function parseLine(line: string, algorithm: HashAlgorithm): Line | undefined {
  const length = hexLength[algorithm];
  const bsd = /^(SHA256|SHA512) ?\((.{1,1000})\) ?= ?([0-9a-f]+)$/iu.exec(line);
  if (bsd) {
    const [, name, file = '', hex] = bsd;
    return name?.toLowerCase() === algorithm && hex?.length === length
      ? { hex: hex.toLowerCase(), file: plainName(file) }
      : undefined;
  }
  const [, escapes, hex, file] = /^(\\?)([0-9a-f]{64,128})(?:[ \t]+\*?(.{1,1000}))?$/iu.exec(line) ?? [];
  if (hex?.length !== length) return undefined;
  if (file === undefined) return { hex: hex.toLowerCase() };
  return { hex: hex.toLowerCase(), file: plainName(escapes === '\\' ? unescaped(file) : file) };
}

/** The last part of a URL's path as it is written in a list; undefined if there is none. */
function fileIn(url: string): string | undefined {
  return pathIn(url)?.split('/').at(-1);
}

function pathIn(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch {
    return undefined;
  }
}

/** The path of a file as a list beside it, or above it, names it; undefined if it is neither. */
function pathBelow(list: string, file: string): string | undefined {
  const [listPath, path] = [pathIn(list), pathIn(file)];
  if (listPath === undefined || path === undefined || new URL(list).host !== new URL(file).host)
    return undefined;
  const directory = listPath.slice(0, listPath.lastIndexOf('/') + 1);
  return path.startsWith(directory) ? path.slice(directory.length) : undefined;
}

/** A file whose hash is looked for. */
export interface ListedFile {
  /** Its name in the list, with or without directories. */
  readonly name: string;
  /** Its URL: a list above its directory names it by the path from there. */
  readonly url?: string;
}

/**
 * Whether a list is of this file only: `disk.img.sha256`. Its one hash counts, whatever name it has: that of `…-latest` names
 * the file that `latest` refers to.
 */
function isOwnList(list: string, { name }: ListedFile): boolean {
  const own = fileIn(list);
  return own !== undefined && own.length > name.length && own.startsWith(name);
}

/** What a list may call a file, the surest first: another directory may have a file of the same name. */
function namesOf({ name, url }: ListedFile, list: string): string[] {
  const plain = plainName(name);
  const path = url === undefined ? undefined : pathBelow(list, url);
  if (path === undefined) return [plain];
  return path.split('/').at(-1) === plain ? [path, plain] : [plain, path];
}

/**
 * Finds the hash of a file in the text of a checksum file: never that of another file.
 * @param list URL of the text
 * @throws KameError CHECKSUM_MISMATCH when the file is not listed, or with several hashes
 */
export function findChecksum(
  text: string,
  file: ListedFile,
  algorithm: HashAlgorithm,
  list: string,
): Checksum {
  const lines = text
    .split(/\r?\n/u)
    .map((line) => parseLine(line.trim(), algorithm))
    .filter((line) => line !== undefined);
  const named =
    namesOf(file, list)
      .map((name) => lines.filter((line) => line.file === name))
      .find((found) => found.length > 0) ?? [];
  const [only, ...more] = lines;
  const isOnly =
    only !== undefined && more.length === 0 && (only.file === undefined || isOwnList(list, file));
  const hashes = new Set((named.length === 0 && isOnly ? [only] : named).map(({ hex }) => hex));
  const [hex] = hashes;
  if (hex !== undefined && hashes.size === 1) return { algorithm, hex };
  const what =
    hashes.size === 0
      ? `does not list the ${algorithm}`
      : `lists ${hashes.size} different ${algorithm} hashes`;
  throw new KameError(
    'CHECKSUM_MISMATCH',
    `${list} ${what} of ${file.name}, so the file cannot be verified.`,
    {
      next: 'The image may have moved: choose another from `kame image list`, or give its new address in catalogue.json.',
      details: { url: list },
    },
  );
}
