/** The declarations of the SDK, as its users get them: plain types in files of their own, which name no package. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** As in tsconfig.json, as far as a declaration depends on it. Errors in the types are found by `npm run check`. */
const options = [
  ...['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--noCheck', '--skipLibCheck', '--strict'],
  ...['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--allowImportingTsExtensions'],
  ...['--rewriteRelativeImportExtensions', '--target', 'es2022', '--module', 'nodenext'],
  ...['--lib', 'es2023,esnext.disposable', '--types', 'node', '--rootDir', 'src'],
];

/** The module that an import, an export or an import type names. */
const specifier = /(^(?:import|export)\b[^;'"]*from ['"]|import\(['"])([^'"]+)(['"])/gm;

/**
 * The declarations that an entry needs, by their path below src/.
 * @throws Error when one of them imports a package
 */
function reachable(directory: string, entries: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const waiting = entries.map((entry) => `${entry}.d.ts`);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const text = readFileSync(join(directory, path), 'utf8');
    for (const [, , name = ''] of text.matchAll(specifier)) {
      if (!name.startsWith('.'))
        throw new Error(`The SDK's types need ${name} (${path}): users would have to install it.`);
      waiting.push(join(dirname(path), name.replace(/\.ts$/, '.d.ts')));
    }
    found.set(path, text);
  }
  return found;
}

/**
 * Writes the declarations of entries, such as `bin/sdk`, and of all they need.
 * @param out the directory to write below, as src/ is laid out
 * @throws Error when they are not plain
 */
export function writeSdkTypes(entries: readonly string[], out: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'kame-types-'));
  try {
    const sources = entries.map((entry) => join('src', `${entry}.ts`));
    const tsc = join('node_modules', 'typescript-native', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, ...options, '--outDir', directory, ...sources], { stdio: 'pipe' });
    for (const [path, text] of reachable(directory, entries)) {
      mkdirSync(dirname(join(out, path)), { recursive: true });
      // What a client is disposed by is not in every library of TypeScript yet.
      const head = entries.includes(path.replace(/\.d\.ts$/, ''))
        ? '/// <reference lib="esnext.disposable" />\n'
        : '';
      const plain = text.replace(specifier, (_all, before: string, name: string, after: string) =>
        [before, name.replace(/\.ts$/, '.js'), after].join(''),
      );
      writeFileSync(join(out, path), head + plain);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
