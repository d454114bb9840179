/**
 * Bundles src/bin/ into dist/. `--out DIR` and `--source DIR` are for the test of the build.
 *
 * The command lines are small files that load packs of modules (`programs.ts`): each verb is loaded when it is used, so that
 * `kame --version` loads almost nothing. kamed.mjs is a single file, because an upgrade must not remove a pack that a running
 * daemon has not loaded yet. So is sdk.mjs, which programs import; sdk-core.mjs runs in browsers. types/ has the declarations of both, tools/ has
 * kame-tools for guests, if Go is installed, and web/ the web desktop.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { formatDuration, formatSize } from '../src/core/units.ts';
import { buildTools } from './build-tools.ts';
import { buildWeb } from './build-web.ts';
import { goMissing } from './go.ts';
import { noticesFor, packagesOf } from './licences.ts';
import { buildProgram } from './programs.ts';
import { writeSdkTypes } from './sdk-types.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const { values } = parseArgs({
  options: { out: { type: 'string', default: 'dist' }, source: { type: 'string', default: 'src/bin' } },
});
/** The build is moved into place only when it is complete, because programs may run from there at any time. */
const out = `${values.out}.${process.pid}.tmp`;
const commandLines = ['kame', 'vmrun', 'vmrest', 'vmware-vdiskmanager'];
/** Helper processes and threads of the daemon, each a single file like the daemon. */
const helpers = ['tiny-builder', 'memory-copier', 'inflater', 'network-switch', 'certificate-maker'];
/** The modules that programs import. */
const sdk = 'sdk';
const sdkCore = 'sdk-core';
/** LGPL: shipped unchanged as a separate file, so that anyone can replace it with another version. */
const vendored = { name: 'openpgp', file: 'dist/node/openpgp.min.mjs', to: 'vendor/openpgp.mjs' };

const vendor: Plugin = {
  name: 'vendor',
  setup(bundler) {
    bundler.onResolve({ filter: new RegExp(`^${vendored.name}$`) }, () => ({
      path: `./${vendored.to}`,
      external: true,
    }));
  },
};

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** CommonJS packages in an ES module need `require` for the modules of Node. */
const needsRequire =
  "import { createRequire as kameCreateRequire } from 'node:module'; const require = kameCreateRequire(import.meta.url);";

const common: BuildOptions = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outdir: out,
  outExtension: { '.js': '.mjs' },
  // No subdirectories, so that vendor/ has the same relative path from every file.
  chunkNames: '[name]-[hash]',
  banner: { js: needsRequire },
  define: { __KAME_VERSION__: JSON.stringify(manifest.version) },
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  // Comments of packages contain non-ASCII characters, for which Node stores the whole text with two bytes per
  // character. Names and lines mostly stay as they are, so that stack traces are readable.
  minifyWhitespace: true,
  lineLimit: 160,
  metafile: true,
  logLevel: 'warning',
  plugins: [vendor],
};

function entry(name: string): string {
  const path = join(values.source, `${name}.ts`);
  if (!existsSync(path)) throw new Error(`${path}, the source of ${name}.mjs, does not exist.`);
  return path;
}

/**
 * Copies vendored files. Other files that programs read at run time are in the package itself; see src/sys/assets.ts.
 */
function copyVendored(): void {
  const source = join('node_modules', vendored.name);
  mkdirSync(join(out, 'vendor'), { recursive: true });
  copyFileSync(join(source, vendored.file), join(out, vendored.to));
  copyFileSync(join(source, 'LICENSE'), join(out, 'vendor', `${vendored.name}.LICENSE.txt`));
  copyFileSync('licences/GPL-3.0.txt', join(out, 'vendor', 'GPL-3.0.txt'));
}

/** The stand-ins for programs of VMware, which start the programs of the build. */
function copyStandIns(): void {
  mkdirSync(join(out, 'compat'));
  for (const name of readdirSync('compat')) {
    copyFileSync(join('compat', name), join(out, 'compat', name));
    chmodSync(join(out, 'compat', name), 0o755);
  }
}

async function bundle(): Promise<Metafile[]> {
  const results = await Promise.all([
    ...commandLines.map((name) => buildProgram(name, entry(name), out, { ...common, banner: {} })),
    build({
      ...common,
      banner: { js: `#!/usr/bin/env node\n${needsRequire}` },
      entryPoints: [entry('kamed')],
      metafile: true,
    }),
    build({ ...common, entryPoints: helpers.map(entry), metafile: true }),
    build({ ...common, entryPoints: [entry(sdk)], metafile: true }),
    build({ ...common, platform: 'browser', banner: {}, entryPoints: [entry(sdkCore)], metafile: true }),
  ]);
  return results.map((result) => result.metafile);
}

async function main(): Promise<void> {
  const start = performance.now();
  for (const name of [...commandLines, 'kamed', ...helpers, sdk, sdkCore]) entry(name);
  const metafiles = await bundle();
  const web = await buildWeb(join(out, 'web'), manifest.version);
  const programInputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs));
  copyVendored();
  copyStandIns();
  if (!buildTools(join(out, 'tools'))) {
    rmSync(join(out, 'tools'), { recursive: true });
    console.log(`Built without kame-tools, the program for guests: ${goMissing}`);
  }
  writeSdkTypes([`bin/${sdk}`, `bin/${sdkCore}`], join(out, 'types'));
  const notices = noticesFor(packagesOf([...programInputs, ...web.inputs]), [
    join('node_modules', vendored.name),
  ]);
  writeFileSync(join(out, 'THIRD-PARTY-NOTICES.txt'), notices);
  chmodSync(join(out, 'kamed.mjs'), 0o755);
  for (const name of [...commandLines.map((line) => `${line}.cjs`), 'kamed.mjs']) {
    const file = join(out, name);
    console.log(`${join(values.out, name)} ${formatSize(statSync(file).size)}`);
  }
  console.log(`${join(values.out, 'web')} ${formatSize(web.scriptBytes)} of scripts after gzip`);
  rmSync(values.out, { recursive: true, force: true });
  renameSync(out, values.out);
  console.log(`Built in ${formatDuration(performance.now() - start)}.`);
}

try {
  await main();
} catch (error) {
  rmSync(out, { recursive: true, force: true });
  console.error(`The build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
