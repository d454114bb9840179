import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from '../debian/tools.ts';

/** Names of the two architectures, in the files of packages and of the package manager. */
const [from, to] = [
  { debian: 'amd64', triplet: 'x86_64-linux-gnu' },
  { debian: 'arm64', triplet: 'aarch64-linux-gnu' },
] as const;

const translated = (text: string) => text.replaceAll(from.triplet, to.triplet);

/** Takes what the package manager knows, with the other architecture. */
async function takeDatabase(source: string, target: string): Promise<void> {
  const database = 'var/lib/dpkg';
  for (const part of ['info', 'status', 'available'])
    rmSync(join(target, database, part), { recursive: true, force: true });
  for (const link of ['var/lock', 'var/run']) rmSync(join(target, link), { recursive: true, force: true });
  await mustRun(new AbortController().signal, 'cp', '-a', `${join(source, 'var')}/.`, join(target, 'var'));
  const status = join(target, database, 'status');
  const text = await readFile(status, 'utf8');
  await writeFile(status, text.replaceAll(`\nArchitecture: ${from.debian}`, `\nArchitecture: ${to.debian}`));
  const info = join(target, database, 'info');
  for (const name of await readdir(info)) {
    if (name.endsWith('.list'))
      await writeFile(join(info, name), translated(await readFile(join(info, name), 'utf8')));
    if (name.includes(`:${from.debian}.`))
      await rename(join(info, name), join(info, name.replace(`:${from.debian}.`, `:${to.debian}.`)));
  }
}

/** Paths that belong to packages, as they are on a system whose /bin, /lib and /sbin are in /usr. */
function owned(root: string): Set<string> {
  const info = join(root, 'var/lib/dpkg/info');
  const paths = readdirSync(info)
    .filter((name) => name.endsWith('.list'))
    .flatMap((name) => readFileSync(join(info, name), 'utf8').split('\n'));
  return new Set(
    paths.flatMap((path) => (/^\/(?:bin|sbin|lib|lib64)\//.test(path) ? [path, `/usr${path}`] : [path])),
  );
}

/** Copies a file that was made when a package was configured. Text may name the architecture. */
async function carryOver(source: string, target: string): Promise<void> {
  const about = await lstat(source);
  await mkdir(dirname(target), { recursive: true });
  if (about.isSymbolicLink()) await symlink(translated(await readlink(source)), target);
  else if (about.isDirectory()) await mkdir(target, { recursive: true });
  else if (about.isFile()) {
    const data = await readFile(source);
    const isText = !data.subarray(0, 4096).includes(0);
    await writeFile(target, isText ? translated(data.toString('latin1')) : data, 'latin1');
  }
}

/** Gives a file of the target the owner and the mode of that in the source: configuring changes them. */
async function takeOwner(source: string, target: string): Promise<void> {
  const [one, other] = [await lstat(source), await lstat(target)];
  if (one.isSymbolicLink() || other.isSymbolicLink() || one.isDirectory() !== other.isDirectory()) return;
  await chown(target, one.uid, one.gid);
  await chmod(target, one.mode & 0o7777);
}

/**
 * Makes unpacked packages of ARM64 what they would be if they had been configured, without running a program of them: what configuring
 * makes hardly depends on the architecture, so it is taken from the same packages of Intel.
 * @param source the files of the configured guest for Intel
 * @param target those of the same packages for ARM64, unpacked only
 */
export async function crossConfigure(source: string, target: string): Promise<void> {
  const { signal } = new AbortController();
  await takeDatabase(source, target);
  for (const part of ['etc', 'home', 'root'])
    await mustRun(signal, 'cp', '-a', `${join(source, part)}/.`, join(target, part));
  rmSync(join(target, 'etc/ld.so.cache'), { force: true });
  rmSync(join(target, `etc/ld.so.conf.d/${from.triplet}.conf`), { force: true });
  const belongs = owned(source);
  for (const entry of await readdir(join(source, 'usr'), { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(source.length);
    const place = `${target}${translated(name)}`;
    const isThere = lstatSync(place, { throwIfNoEntry: false }) !== undefined;
    const isOfArchitecture = name.startsWith('/usr/lib64') || name.startsWith('/usr/lib/modules/');
    if (!isThere && !isOfArchitecture && !belongs.has(name)) await carryOver(path, place);
    if (isThere || existsSync(place)) await takeOwner(path, place);
  }
  const libraries = `/usr/local/lib/${to.triplet}\n/lib/${to.triplet}\n/usr/lib/${to.triplet}\n`;
  writeFileSync(join(target, `etc/ld.so.conf.d/${to.triplet}.conf`), libraries);
}
