import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** A module of src/bin/ in one file of JavaScript. Disposing removes it. */
export interface BuiltModule extends AsyncDisposable {
  readonly url: URL;
}

export async function buildModule(source: URL): Promise<BuiltModule> {
  const directory = await mkdtemp(join(tmpdir(), 'kame-built-'));
  const outfile = join(directory, `${basename(source.pathname, '.ts')}.mjs`);
  await build({
    entryPoints: [fileURLToPath(source)],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
  });
  return {
    url: pathToFileURL(outfile),
    [Symbol.asyncDispose]: async () => await rm(directory, { recursive: true }),
  };
}
