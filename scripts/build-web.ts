/** Builds the web desktop with Vite. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { build } from 'vite';

/** The most that the scripts of the library may have, in bytes after gzip. */
const maxScriptBytes = 250 * 1024;

export interface WebBuild {
  /** The modules in it, as paths from the root of the package. */
  readonly inputs: readonly string[];
  /** Bytes of its scripts after gzip. */
  readonly scriptBytes: number;
}

/**
 * Builds web/ into a directory.
 * @throws Error if its scripts are too large
 */
export async function buildWeb(out: string, version: string): Promise<WebBuild> {
  const inputs = new Set<string>();
  // A test runner builds too, and has its own word here: React would be the one for development.
  process.env['NODE_ENV'] = 'production';
  await build({
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
    },
  });
  const assets = join(out, 'assets');
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
  const sizes = scripts.map((name) => gzipSync(readFileSync(join(assets, name))).length);
  const scriptBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (scriptBytes > maxScriptBytes)
    throw new Error(
      `The scripts of the web desktop have ${scriptBytes} bytes after gzip, of ${maxScriptBytes}.`,
    );
  return { inputs: [...inputs], scriptBytes };
}
