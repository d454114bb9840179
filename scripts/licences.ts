/** The notices that the licences of bundled packages require. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Licences whose packages may be put into a bundle. Anything else stops the build. */
const bundled = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'Unlicense',
]);

/** Licences that want whoever gets a bundle to be told where the sources are of what is in it. */
const withSources = new Set(['MPL-2.0']);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly repository?: { readonly url?: string };
}

/** The directories of the packages from which the inputs of a bundle come, each once. */
export function packagesOf(inputs: readonly string[]): string[] {
  const directories = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(directories.filter((directory) => directory !== undefined))].sort();
}

/** The licences of a package and of what it has taken from others, which stand in folders of these names. */
function licenceText(directory: string): string {
  const vendored = join(directory, 'vendor');
  const others = existsSync(vendored) ? readdirSync(vendored).map((name) => join(vendored, name)) : [];
  return [directory, join(directory, 'docs'), ...others]
    .flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((file) => /^licen[cs]e/i.test(file))
            .map((file) => readFileSync(join(folder, file), 'utf8').trim())
        : [],
    )
    .join('\n\n');
}

function manifestOf(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
}

function notice(directory: string): string {
  const { name, version, license = '', repository } = manifestOf(directory);
  const sources = withSources.has(license)
    ? `Its sources, which are unchanged, are those of version ${version} at ${repository?.url ?? name}.\n\n`
    : '';
  const text = licenceText(directory);
  const more = text === '' ? `The package has no licence file; its manifest says ${license}.` : text;
  return `${name} ${version} (${license})\n\n${sources}${more}\n`;
}

/**
 * The text of THIRD-PARTY-NOTICES.txt.
 * @param inside directories of packages that are part of a bundle
 * @param beside directories of packages that are shipped unchanged as separate files
 * @throws Error for a bundled package whose licence does not allow it
 */
export function noticesFor(inside: readonly string[], beside: readonly string[]): string {
  for (const directory of inside) {
    if (!existsSync(join(directory, 'package.json'))) throw new Error(`${directory} is not a package.`);
    const { name, license = 'none' } = manifestOf(directory);
    if (!bundled.has(license)) {
      throw new Error(
        `${name} has the licence ${license}, which scripts/licences.ts does not allow in a bundle.`,
      );
    }
  }
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return [
    'Kame contains the packages below. Those that are not in the bundles are in vendor/, unchanged.\n',
    ...inside.map(notice),
    ...beside.map((directory) => `In vendor/: ${notice(directory)}`),
  ].join(rule);
}
