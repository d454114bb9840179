import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KameError } from '../../src/core/errors.ts';
import { decompressXzWhole } from '../../src/image/debian/xz.ts';
import { writeCpio, type RootEntry } from '../../src/image/tiny/cpio.ts';

/** What the kernel needs until it has the root file system. */
const wanted = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4'];
const maxModuleBytes = 16 * 1024 * 1024;

const init = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*; do /bin/busybox insmod $module; done
until [ -b /dev/vda ]; do /bin/busybox usleep 20000; done
/bin/busybox mount -o noatime -t ext4 /dev/vda /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
`;

/** Paths of the modules that are wanted and of those that they need, each after those that it needs itself. */
function inOrder(modulesDep: string): string[] {
  const needs = new Map(
    modulesDep.split('\n').map((line): [string, string[]] => {
      const [path = '', rest = ''] = line.split(':');
      return [path, rest.split(' ').filter((one) => one !== '')];
    }),
  );
  const nameOf = (path: string) =>
    basename(path)
      .replace(/\.ko(\.xz)?$/, '')
      .replaceAll('-', '_');
  // depmod writes all that a module needs, the last one first.
  const paths = wanted.flatMap((name) => {
    const path = [...needs.keys()].find((each) => nameOf(each) === name);
    return path === undefined ? [] : [...(needs.get(path) ?? []).toReversed(), path];
  });
  return [...new Set(paths)];
}

/**
 * Writes an initial RAM disk that mounts the disk, of the busybox and the modules of the guest. It is made on any host, and is much
 * smaller than one for all machines, which an emulated guest takes long to unpack.
 * @param root the files of the guest
 * @throws KameError HOST_PROBLEM when the guest has no modules
 */
export async function writeInitrd(root: string, to: string): Promise<void> {
  const [version] = await readdir(join(root, 'usr/lib/modules'));
  if (version === undefined) throw new KameError('HOST_PROBLEM', 'The new guest has no kernel modules.');
  const modules = join(root, 'usr/lib/modules', version);
  const busybox = await readFile(join(root, 'usr/bin/busybox'));
  const tree = new Map<string, RootEntry>([
    ...['bin', 'dev', 'modules', 'root'].map((name): [string, RootEntry] => [
      name,
      { type: 'directory', mode: 0o755 },
    ]),
    ['bin/busybox', { type: 'file', mode: 0o755, data: busybox }],
    ['init', { type: 'file', mode: 0o755, data: Buffer.from(init) }],
  ]);
  const paths = inOrder(await readFile(join(modules, 'modules.dep'), 'utf8'));
  for (const [at, path] of paths.entries()) {
    const packed = await readFile(join(modules, path));
    const data = path.endsWith('.xz')
      ? await decompressXzWhole(packed, { name: path, maxBytes: maxModuleBytes })
      : packed;
    tree.set(`modules/${String(at).padStart(2, '0')}`, { type: 'file', mode: 0o644, data });
  }
  await writeFile(to, writeCpio(tree));
}
