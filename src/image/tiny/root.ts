import { KameError } from '../../core/errors.ts';
import type { DebFile } from '../debian/deb.ts';
import type { RootEntry } from './cpio.ts';
import { readElf } from './elf.ts';
import { modulesAlias, modulesDep, type KernelModule } from './modules.ts';
import { programs, type TinyTarget } from './recipe.ts';

export interface RootParts {
  readonly target: TinyTarget;
  /** Files from all packages with programs. */
  readonly files: ReadonlyMap<string, DebFile>;
  readonly modules: readonly KernelModule[];
  readonly kernelVersion: string;
  /** Files that ship with Kame: path in the guest -> content and mode. */
  readonly guestFiles: ReadonlyMap<string, { data: Uint8Array; mode: number }>;
  readonly osRelease: string;
}

/** Whether to keep a file of a program package while reading it: programs, libraries, and links between them. */
export function isProgramFile(path: string): boolean {
  if (/(^|\/)s?bin\//.test(path)) return [...programs, 'busybox'].includes(path.replace(/^.*\//, ''));
  return /^(usr\/)?lib(64)?\/([^/]+\/)?[^/]+\.so(\.[\w.-]+)?$/.test(path);
}

function missing(what: string): KameError {
  return new KameError(
    'BAD_IMAGE',
    `The Debian packages do not contain ${what}, which the tiny image needs.`,
  );
}

/** Finds a file by its name in any directory, following links within the packages. */
function findFile(files: ReadonlyMap<string, DebFile>, name: string, depth = 0): DebFile {
  for (const [path, file] of files) {
    if (!path.endsWith(`/${name}`)) continue;
    if (file.type === 'file') return file;
    if (depth < 8) return findFile(files, file.linkName.replace(/^.*\//, ''), depth + 1);
  }
  throw missing(name);
}

/**
 * The names of the busybox applets, read from its binary (consecutive NUL-terminated names, starting with `[`), because
 * the package does not list them and foreign programs are not run.
 * @throws KameError BAD_IMAGE when there is no such list
 */
export function busyboxApplets(binary: Uint8Array): string[] {
  const data = Buffer.from(binary.buffer, binary.byteOffset, binary.length);
  const start = data.indexOf('[\0[[\0', 0, 'latin1');
  if (start < 0) throw missing('a list of busybox applets');
  const text = data.toString('latin1', start, start + 64 * 1024);
  const names = text.slice(0, text.indexOf('\0\0')).split('\0');
  const good = names.filter((name) => /^[a-z0-9_.[-]{1,30}$/.test(name));
  if (good.length < 100 || good.length !== names.length) throw missing('a list of busybox applets');
  return good;
}

/** Directories and links of a merged /usr. The order matters: parents come first. */
const skeleton: readonly (readonly [string, RootEntry])[] = [
  ...[
    'dev',
    'proc',
    'sys',
    'run',
    'tmp',
    'root',
    'mnt',
    'home',
    'etc',
    'usr',
    'usr/bin',
    'usr/lib',
    'var',
    'var/log',
    'var/lib',
  ].map(
    (name) =>
      [name, { type: 'directory', mode: name === 'tmp' ? 0o1777 : name === 'root' ? 0o700 : 0o755 }] as const,
  ),
  ['bin', { type: 'symlink', target: 'usr/bin' }],
  ['sbin', { type: 'symlink', target: 'usr/bin' }],
  ['usr/sbin', { type: 'symlink', target: 'bin' }],
  ['lib', { type: 'symlink', target: 'usr/lib' }],
  ['lib64', { type: 'symlink', target: 'usr/lib' }],
  ['var/run', { type: 'symlink', target: '../run' }],
  ['var/tmp', { type: 'symlink', target: '../tmp' }],
  ['etc/mtab', { type: 'symlink', target: '../proc/self/mounts' }],
  // The kernel opens /dev/console for the first program before anything is mounted.
  ['dev/console', { type: 'character-device', mode: 0o600, major: 5, minor: 1 }],
  // The shell opens /dev/null for background programs, even after the mount on dev has moved.
  ['dev/null', { type: 'character-device', mode: 0o666, major: 1, minor: 3 }],
];

function addParents(tree: Map<string, RootEntry>, path: string): void {
  const parts = path.split('/').slice(0, -1);
  for (let count = 1; count <= parts.length; count += 1) {
    const directory = parts.slice(0, count).join('/');
    if (!tree.has(directory)) tree.set(directory, { type: 'directory', mode: 0o755 });
  }
}

function addFile(tree: Map<string, RootEntry>, path: string, data: Uint8Array, mode: number): void {
  addParents(tree, path);
  tree.set(path, { type: 'file', mode, data });
}

function addPrograms(tree: Map<string, RootEntry>, { files, target }: RootParts): void {
  const busybox = findFile(files, 'busybox').data;
  addFile(tree, 'usr/bin/busybox', busybox, 0o755);
  for (const applet of busyboxApplets(busybox)) {
    if (!tree.has(`usr/bin/${applet}`)) tree.set(`usr/bin/${applet}`, { type: 'symlink', target: 'busybox' });
  }
  const wanted: string[] = [];
  const use = (path: string, data: Uint8Array) => {
    addFile(tree, path, data, 0o755);
    const elf = readElf(data, path);
    wanted.push(...elf.needed);
  };
  for (const name of programs) use(`usr/bin/${name}`, findFile(files, name).data);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    // Programs expect the loader in /lib/ or /lib64/; both lead to the same directory.
    const path = name.startsWith('ld-linux') ? `usr/lib/${name}` : `usr/lib/${target.triplet}/${name}`;
    if (!tree.has(path)) use(path, findFile(files, name).data);
  }
}

/**
 * Builds the tree of the initial RAM disk.
 * @throws KameError BAD_IMAGE when the packages lack a file that it needs
 */
export function buildRoot(parts: RootParts): Map<string, RootEntry> {
  const tree = new Map<string, RootEntry>(skeleton);
  addPrograms(tree, parts);
  const moduleRoot = `usr/lib/modules/${parts.kernelVersion}`;
  for (const module of parts.modules) addFile(tree, `${moduleRoot}/${module.path}`, module.data, 0o644);
  addFile(tree, `${moduleRoot}/modules.dep`, Buffer.from(modulesDep(parts.modules)), 0o644);
  addFile(tree, `${moduleRoot}/modules.alias`, Buffer.from(modulesAlias(parts.modules)), 0o644);
  addFile(tree, 'etc/os-release', Buffer.from(parts.osRelease), 0o644);
  for (const [path, { data, mode }] of parts.guestFiles) addFile(tree, path, data, mode);
  return tree;
}
