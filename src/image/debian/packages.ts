import { KameError } from '../../core/errors.ts';

/** One binary package of the archive, as described in its index. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  /** Groups of alternatives: one name of each group is needed. Versions are ignored because a suite is consistent. */
  readonly depends: readonly (readonly string[])[];
}

/** The packages of one architecture. */
export interface PackageIndex {
  /** The package with a name, or undefined. */
  get(name: string): DebianPackage | undefined;
  readonly size: number;
}

const namePattern = /^[a-z0-9][a-z0-9+.-]{0,100}$/;

function bad(name: string, reason: string): KameError {
  return new KameError('BAD_IMAGE', `The entry of ${name} in the package index is not usable: ${reason}.`);
}

/** Reads a relation field such as `libc6 (>= 2.34), kmod | linux-base:any` as groups of names. */
export function parseDepends(text: string): string[][] {
  return text
    .split(',')
    .map((group) =>
      group
        .split('|')
        .map((one) => one.trim().replace(/[\s(:[<].*$/s, ''))
        .filter((one) => namePattern.test(one)),
    )
    .filter((group) => group.length > 0);
}

function parseStanza(name: string, stanza: string): DebianPackage {
  const fields = new Map<string, string>();
  for (const line of stanza.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0 && !line.startsWith(' ')) fields.set(line.slice(0, colon), line.slice(colon + 2).trim());
  }
  const filename = fields.get('Filename') ?? '';
  if (!/^pool\/[\w.+~/-]{1,250}\.deb$/.test(filename) || filename.includes('..')) {
    throw bad(name, `its file name is "${filename.slice(0, 80)}"`);
  }
  const sha256 = fields.get('SHA256') ?? '';
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw bad(name, 'it has no SHA256');
  const size = Number(fields.get('Size') ?? Number.NaN);
  if (!Number.isSafeInteger(size) || size <= 0) throw bad(name, 'it has no size');
  const relations = [fields.get('Pre-Depends'), fields.get('Depends')].filter((text) => text !== undefined);
  return {
    name,
    version: fields.get('Version') ?? '',
    filename,
    size,
    sha256,
    depends: parseDepends(relations.join(',')),
  };
}

/**
 * Reads a `Packages` index (about 50 MB). Packages are parsed only when requested with `get`, which throws KameError
 * BAD_IMAGE for a package with an invalid description.
 */
export function parsePackages(text: string): PackageIndex {
  const starts = new Map<string, number>();
  const pattern = /^Package: (\S{1,120})$/gm;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    starts.set(match[1] as string, match.index);
  }
  return {
    size: starts.size,
    get(name) {
      const start = starts.get(name);
      if (start === undefined) return undefined;
      const end = text.indexOf('\n\n', start);
      return parseStanza(name, text.slice(start, end < 0 ? text.length : end));
    },
  };
}

const maxClosure = 500;

/**
 * The given packages and all their dependencies, except those for which `skip` returns true. Among alternatives, the
 * first one that exists is chosen.
 * @throws KameError NO_SUCH_IMAGE when a package does not exist, BAD_IMAGE when there are more than 500
 */
export function dependencyClosure(
  index: PackageIndex,
  names: readonly string[],
  skip: (name: string) => boolean = () => false,
): DebianPackage[] {
  const found = new Map<string, DebianPackage>();
  const queue = names.map((name) => [name]);
  for (let group = queue.shift(); group; group = queue.shift()) {
    if (group.some((name) => found.has(name) || skip(name))) continue;
    const chosen = group.map((name) => index.get(name)).find((candidate) => candidate !== undefined);
    if (!chosen) {
      throw new KameError('NO_SUCH_IMAGE', `The Debian archive has no package ${group.join(' or ')}.`);
    }
    found.set(chosen.name, chosen);
    if (found.size > maxClosure) throw bad(chosen.name, `it would need more than ${maxClosure} packages`);
    queue.push(...chosen.depends.map((alternatives) => [...alternatives]));
  }
  return [...found.values()];
}
