/** Builds the web desktop with Vite. */
import { relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { build, type Rolldown } from 'vite';

/** The most that the scripts which the library needs may have, in bytes after gzip. */
const maxScriptBytes = 250 * 1024;
const entry = resolve('web/src/main.tsx');

export interface WebBuild {
  /** The modules in it, as paths from the root of the package. */
  readonly inputs: readonly string[];
  /** Bytes of the scripts that the library needs, after gzip. Others are loaded when a person enters their room. */
  readonly scriptBytes: number;
}

/** The bytes after gzip of the entry, what it imports, and the larger of the languages. */
function libraryBytes(chunks: readonly Rolldown.OutputChunk[]): number {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const size = ({ code }: Rolldown.OutputChunk) => gzipSync(code).length;
  const needed = new Set(chunks.filter(({ isEntry }) => isEntry));
  for (const { imports } of needed)
    for (const name of imports) {
      const chunk = byName.get(name);
      if (chunk) needed.add(chunk);
    }
  const languages = chunks.filter(({ facadeModuleId }) =>
    /\/text\/\w+\/index\.ts$/.test(facadeModuleId ?? ''),
  );
  if (needed.size === 0 || languages.length === 0) throw new Error('The build has no page, or no language.');
  return [...needed].reduce((sum, chunk) => sum + size(chunk), 0) + Math.max(...languages.map(size));
}

/** What knows of each module which others it imports at once. */
interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

/** The modules that the entry imports, and those that they import. */
function reachable(modules: Modules): Set<string> {
  const found = new Set(modules.getModuleInfo(entry)?.importedIds);
  for (const id of found) for (const next of modules.getModuleInfo(id)?.importedIds ?? []) found.add(next);
  if (found.size === 0) throw new Error(`${entry} imports nothing.`);
  return found;
}

/**
 * Puts what the library needs besides the entry into one file. Otherwise what it shares with other rooms would be forty files, each of
 * which takes a request before anything can be shown.
 */
function libraryGroup(): Rolldown.CodeSplittingGroup {
  let needed: Set<string> | undefined;
  const name = (id: string, modules: Modules) => {
    needed ??= reachable(modules);
    return needed.has(id) ? 'library' : null;
  };
  return { name, debugName: 'library' };
}

/**
 * Builds web/ into a directory.
 * @throws Error if its scripts are too large
 */
export async function buildWeb(out: string, version: string): Promise<WebBuild> {
  const inputs = new Set<string>();
  // A test runner builds too, and has its own word here: React would be the one for development.
  process.env['NODE_ENV'] = 'production';
  const built = await build({
    configFile: false,
    root: 'web',
    logLevel: 'warn',
    define: { __KAME_VERSION__: JSON.stringify(version) },
    plugins: [
      react(),
      {
        name: 'inputs',
        moduleParsed: ({ id }) => void inputs.add(relative(process.cwd(), id)),
      },
    ],
    build: {
      outDir: resolve(out),
      emptyOutDir: true,
      target: 'es2022',
      // Pictures within a file would be `data:`; there are none that need it.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // What counts is the size after gzip, which is looked at below.
      chunkSizeWarningLimit: 2000,
      rolldownOptions: { output: { codeSplitting: { groups: [libraryGroup()] } } },
    },
  });
  const { output } = [built].flat()[0] as Rolldown.RolldownOutput;
  const chunks = output.filter((each) => each.type === 'chunk');
  const scriptBytes = libraryBytes(chunks);
  if (scriptBytes > maxScriptBytes)
    throw new Error(
      `The scripts of the web desktop have ${scriptBytes} bytes after gzip, of ${maxScriptBytes}.`,
    );
  return { inputs: [...inputs], scriptBytes };
}
