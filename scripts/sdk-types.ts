/** The declarations of the SDK for its users: plain types in separate files, which import no packages. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The options in tsconfig.json that affect declarations. `npm run check` finds errors in the types. */
const options = [
  ...['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--noCheck', '--skipLibCheck', '--strict'],
  ...['--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--allowImportingTsExtensions'],
  ...['--rewriteRelativeImportExtensions', '--target', 'es2022', '--module', 'nodenext'],
  ...['--lib', 'es2023,esnext.disposable', '--types', 'node', '--rootDir', 'src'],
];

/** Matches the module named in an import, an export or an import type. */
const specifier = /(^(?:import|export)\b[^;'"]*from ['"]|import\(['"])([^'"]+)(['"])/gm;

/**
 * The declarations that entries need, by their path below src/.
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
 * Writes the declarations of entries, such as `bin/sdk`, and of everything they need.
 * @param out directory for the declarations, with the same structure as src/
 * @throws Error when they import a package
 */
export function writeSdkTypes(entries: readonly string[], out: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'kame-types-'));
  try {
    const sources = entries.map((entry) => join('src', `${entry}.ts`));
    const tsc = join('node_modules', 'typescript-native', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, ...options, '--outDir', directory, ...sources], { stdio: 'pipe' });
    for (const [path, text] of reachable(directory, entries)) {
      mkdirSync(dirname(join(out, path)), { recursive: true });
      // The type library for `using` is not enabled in every project that uses the SDK.
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
