import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script, constants } from 'node:vm';
import { chosenHome } from '../sys/home-path.ts';
import { codeCache } from './code-cache.ts';

/**
 * Starts a command line of a build. Its modules lie in packs, which `scripts/programs.ts` makes: one with all that is used by
 * more than one part, and one for each part that is loaded when it is used. Each is compiled once, and the code is kept.
 */

/** Of the program: the pack and module it starts with, and the hash of its packs. */
declare const __KAME_PACKS__: { readonly entry: string; readonly build: string };

interface ModuleOfPack {
  exports: unknown;
}
type Body = (module: ModuleOfPack) => void;
/** What the text of a pack is, as a function. */
type Pack = (
  require: (name: string) => unknown,
  kameChunk: (name: string) => unknown,
  kameUrl: string,
) => Readonly<Record<string, Body>>;

/** Modules of Node that take time to load, and that most commands do not use though they import them. */
const lazyModules = new Set(['child_process', 'crypto', 'fs/promises', 'http', 'https', 'tls', 'zlib']);

const { entry, build } = __KAME_PACKS__;
const directory = fileURLToPath(new URL(`packs/${build}`, import.meta.url));
const cache = codeCache(chosenHome(process.env), build);
const scripts = new Map<string, Script>();
const bodies = new Map<string, Body>();
const modules = new Map<string, ModuleOfPack>();
let incomplete = false;

/** A module of Node that is loaded when one of its exports is used. */
function lazily(load: () => object): object {
  let loaded: object | undefined;
  const real = () => (loaded ??= load());
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(real(), key) as unknown,
      has: (_, key) => Reflect.has(real(), key),
      ownKeys: () => Reflect.ownKeys(real()),
      getOwnPropertyDescriptor: (_, key) => {
        const found = Reflect.getOwnPropertyDescriptor(real(), key);
        return found && { ...found, configurable: true };
      },
    },
  );
}

const builtins = new Map<string, object>();

function loadBuiltin(name: string): object {
  const found: object | undefined = process.getBuiltinModule(name);
  if (!found) throw new Error(`There is no module ${name} in Node.`);
  return found;
}

/** `require` of the packs, which have no packages beside them. */
function builtin(name: string): object {
  const short = name.replace(/^node:/, '');
  const load = () => loadBuiltin(name);
  const known = builtins.get(short) ?? (lazyModules.has(short) ? lazily(load) : load());
  builtins.set(short, known);
  return known;
}

function loadPack(name: string): void {
  const filename = join(directory, `${name}.js`);
  const cachedData = cache.read(name);
  // The build writes ASCII, which is read fastest as latin1.
  const script = new Script(readFileSync(filename, 'latin1'), {
    filename,
    ...(cachedData ? { cachedData } : {}),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  scripts.set(name, script);
  incomplete ||= script.cachedDataRejected !== false;
  const pack = script.runInThisContext() as Pack;
  for (const [module, body] of Object.entries(pack(builtin, chunk, import.meta.url)))
    bodies.set(module, body);
}

/** The exports of a module. One that is in no pack yet is in the pack of its name. */
function chunk(name: string): unknown {
  const known = modules.get(name);
  if (known) return known.exports;
  if (!bodies.has(name)) loadPack(name);
  const module: ModuleOfPack = { exports: {} };
  modules.set(name, module);
  bodies.get(name)?.(module);
  return module.exports;
}

process.on('exit', () => {
  if (!incomplete) return;
  try {
    cache.write(scripts);
  } catch {
    // Such as without a home. The command has succeeded or failed by itself, and the next one tries again.
  }
});
chunk(entry);
