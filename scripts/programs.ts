import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { build, transform, type BuildOptions, type Metafile, type OutputFile } from 'esbuild';

/** Builds the command lines: packs of modules, and a small program that loads them, `src/bin/launcher.ts`. */

const launcher = 'src/bin/launcher.ts';

interface Packs {
  /** The pack that the program starts with. */
  readonly entry: string;
  /** Differs from that of all other packs. They are in packs/BUILD beside the program. */
  readonly build: string;
}

type Outputs = Metafile['outputs'];

function nameOf(path: string): string {
  return basename(path, '.mjs');
}

function outputAt(outputs: Outputs, path: string): Outputs[string] {
  const found = outputs[path];
  if (!found) throw new Error(`${path} is imported, but it is not an output of the build.`);
  return found;
}

/**
 * Imports of other outputs. All others must be modules of Node, since a pack can load nothing else. Packages `require` what they
 * can do without, such as `bufferutil` of ws: that fails, as it does where it is not installed.
 */
function importsOf(outputs: Outputs, path: string): Outputs[string]['imports'] {
  const { imports } = outputAt(outputs, path);
  const foreign = imports.find(
    ({ external, kind, path: name }) => external === true && kind !== 'require-call' && !isBuiltin(name),
  );
  if (foreign) throw new Error(`${path} imports ${foreign.path}, which is not part of the build.`);
  const own = imports.filter((one) => one.external !== true);
  // An import is listed each time that it is used.
  return [...new Map(own.map((one) => [`${one.kind} ${one.path}`, one])).values()];
}

/**
 * One chunk of esbuild as the body of a function, which gets its `module`. Imports of chunks become calls of `kameChunk`: at once,
 * or, for a dynamic import, when a promise is resolved.
 */
async function bodyOf(outputs: Outputs, path: string, text: string, options: BuildOptions): Promise<string> {
  const { code } = await transform(text.replace(/^#!.*\n/, ''), {
    format: 'cjs',
    platform: 'node',
    target: options.target as string,
    minifyWhitespace: true,
    lineLimit: options.lineLimit as number,
    define: { 'import.meta.url': 'kameUrl' },
    logOverride: { 'empty-import-meta': 'silent' },
  });
  return importsOf(outputs, path).reduce((body, one) => {
    const dynamic = one.kind === 'dynamic-import';
    const call = `kameChunk(${JSON.stringify(nameOf(one.path))})`;
    // Long lines are broken anywhere.
    const file = basename(one.path).replaceAll('.', '\\.');
    const from = new RegExp(`${dynamic ? 'import' : 'require'}\\(\\s*"\\./${file}"\\s*\\)`, 'g');
    if (!from.test(body)) throw new Error(`${path} does not have ${from.source}, which it must.`);
    return body.replace(from, () => (dynamic ? `Promise.resolve().then(()=>${call})` : call));
  }, code);
}

/** The pack of each chunk: a part that is loaded when it is used has its own, all others are in that of the entry. */
function packsOf(outputs: Outputs, entry: string): Map<string, string[]> {
  const parts = new Set(
    Object.values(outputs).flatMap(({ imports }) =>
      imports.filter((one) => one.kind === 'dynamic-import' && one.external !== true).map((one) => one.path),
    ),
  );
  const packs = new Map<string, string[]>([[nameOf(entry), []]]);
  for (const path of Object.keys(outputs)) {
    const name = nameOf(parts.has(path) ? path : entry);
    packs.set(name, [...(packs.get(name) ?? []), path]);
  }
  return packs;
}

/** The text of a pack: a function that returns the modules by their names. */
function textOf(modules: readonly (readonly [name: string, body: string])[]): string {
  const members = modules.map(([name, body]) => `${JSON.stringify(name)}(module){${body}\n}`);
  const text = `(function(require,kameChunk,kameUrl){'use strict';return{\n${members.join(',\n')}}})\n`;
  const foreign = /.{0,40}[\u0080-\uffff].{0,20}/.exec(text)?.[0];
  if (foreign !== undefined)
    throw new Error(`The packs must be ASCII. esbuild left this as it is: ${foreign}`);
  return text;
}

async function textsOf(
  outputs: Outputs,
  files: readonly OutputFile[],
  entry: string,
  options: BuildOptions,
): Promise<Map<string, string>> {
  const textAt = new Map(files.map((file) => [basename(file.path), file.text]));
  const texts = new Map<string, string>();
  for (const [pack, paths] of packsOf(outputs, entry)) {
    const modules = paths.map(async (path) => {
      const body = await bodyOf(outputs, path, textAt.get(basename(path)) ?? '', options);
      return [nameOf(path), body] as const;
    });
    texts.set(pack, textOf(await Promise.all(modules)));
  }
  return texts;
}

/** Bundles a program and writes its packs into `directory`/packs/BUILD. */
async function writePacks(
  source: string,
  directory: string,
  options: BuildOptions,
): Promise<Packs & { readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    ...options,
    outdir: directory,
    entryPoints: [source],
    splitting: true,
    sourcemap: false,
    metafile: true,
    write: false,
  });
  const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === source)?.[0];
  if (entry === undefined) throw new Error(`The build of ${source} has no output for it.`);
  const texts = await textsOf(metafile.outputs, outputFiles, entry, options);
  const hash = createHash('sha256')
    .update(JSON.stringify([...texts]))
    .digest('hex')
    .slice(0, 16);
  const packs = join(directory, 'packs', hash);
  mkdirSync(packs, { recursive: true });
  for (const [name, text] of texts) writeFileSync(join(packs, `${name}.js`), text);
  return { entry: nameOf(entry), build: hash, metafile };
}

/**
 * Builds a command line: NAME.cjs in `directory`, and its packs.
 * @param source its module, relative to the current directory
 * @param options of esbuild, for an ES module
 */
export async function buildProgram(
  name: string,
  source: string,
  directory: string,
  options: BuildOptions,
): Promise<{ readonly metafile: Metafile }> {
  const { metafile, ...packs } = await writePacks(source, directory, options);
  await build({
    ...options,
    entryPoints: [{ in: launcher, out: name }],
    outdir: directory,
    // Node loads it 5 ms sooner than an ES module.
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    banner: {
      js: "#!/usr/bin/env node\nconst kameUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    define: { __KAME_PACKS__: JSON.stringify(packs), 'import.meta.url': 'kameUrl' },
  });
  chmodSync(join(directory, `${name}.cjs`), 0o755);
  return { metafile };
}
