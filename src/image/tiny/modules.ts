import { KameError } from '../../core/errors.ts';
import { readElf } from './elf.ts';

/** A kernel module and the content of its `.modinfo`. */
export interface KernelModule {
  /** Name as in lsmod, with underscores. */
  readonly name: string;
  /** Path in the module directory of the kernel, such as `kernel/fs/ext4/ext4.ko`. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly depends: readonly string[];
  readonly aliases: readonly string[];
}

/** The name that lsmod shows for a module file. */
export function moduleName(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_');
}

/**
 * Reads the dependencies and aliases of a module from its `.modinfo` section, from which depmod makes modules.dep.
 * @throws KameError BAD_IMAGE when it is not a kernel module
 */
export function readModule(path: string, data: Uint8Array): KernelModule {
  const info = readElf(data, path).section('.modinfo');
  if (!info) throw new KameError('BAD_IMAGE', `${path} is not a kernel module: it has no .modinfo.`);
  const records = info.toString('latin1').split('\0');
  const values = (key: string) =>
    records.filter((one) => one.startsWith(`${key}=`)).map((one) => one.slice(key.length + 1));
  return {
    name: moduleName(path),
    path,
    data,
    depends: values('depends')
      .flatMap((list) => list.split(','))
      .filter((one) => one !== '')
      .map((one) => one.replaceAll('-', '_')),
    aliases: values('alias'),
  };
}

/**
 * The wanted modules and all their dependencies, each after those that it needs. A wanted module that the kernel does
 * not have is ignored (it is built in, or for another architecture); a missing dependency is an error.
 * @throws KameError BAD_IMAGE
 */
export function selectModules(
  files: ReadonlyMap<string, Uint8Array>,
  wanted: readonly string[],
): KernelModule[] {
  const paths = new Map([...files.keys()].map((path) => [moduleName(path), path]));
  const chosen = new Map<string, KernelModule>();
  const visiting = new Set<string>();
  const add = (name: string) => {
    if (chosen.has(name) || visiting.has(name)) return;
    visiting.add(name);
    const path = paths.get(name) as string;
    const module = readModule(path, files.get(path) as Uint8Array);
    for (const dependency of module.depends) {
      if (!paths.has(dependency)) {
        throw new KameError(
          'BAD_IMAGE',
          `The kernel module ${name} needs ${dependency}, which the package does not have.`,
        );
      }
      add(dependency);
    }
    chosen.set(name, module);
  };
  for (const name of wanted) if (paths.has(name)) add(name);
  return [...chosen.values()];
}

/**
 * The text of modules.dep, in which each module is followed by all its dependencies, the nearest first; see
 * modules.dep(5). The modules must be in the order of selectModules.
 */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((one) => [one.name, one]));
  const collect = (module: KernelModule, found: Set<KernelModule>) => {
    for (const name of module.depends) {
      const dependency = byName.get(name);
      if (!dependency || found.has(dependency)) continue;
      found.add(dependency);
      collect(dependency, found);
    }
    return found;
  };
  return modules
    .map((one) => {
      const needed = collect(one, new Set());
      needed.delete(one);
      const nearestFirst = modules.filter((other) => needed.has(other)).reverse();
      return `${one.path}:${nearestFirst.map((dependency) => ` ${dependency.path}`).join('')}\n`;
    })
    .join('');
}

/** The text of modules.alias, which maps the modalias of a device to a module. */
export function modulesAlias(modules: readonly KernelModule[]): string {
  return modules.flatMap((one) => one.aliases.map((alias) => `alias ${alias} ${one.name}\n`)).join('');
}
