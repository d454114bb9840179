import { silentProgress } from '../../src/core/progress.ts';
import { openArchive } from '../../src/image/debian/archive.ts';
import { readDeb, type DebEntry, type DebFile } from '../../src/image/debian/deb.ts';
import { dependencyClosure } from '../../src/image/debian/packages.ts';
import { writeCpio, type RootEntry } from '../../src/image/tiny/cpio.ts';
import { sharedTiny } from '../../test/support/home.ts';

/** Of these packages and their libraries the guest gets the programs below. */
const packages = ['iperf3', 'perl-base'];
const programs = /^usr\/bin\/(iperf3|perl)$/;
const libraries = /^(usr\/)?lib\/aarch64-linux-gnu\/([^/]+\.so[.\d]*|perl-base\/.+)$/;

function entryOf({ type, data, linkName }: DebFile): RootEntry {
  return type === 'file' ? { type, mode: 0o755, data } : { type: 'symlink', target: linkName };
}

/**
 * iperf3 and perl for the tiny guest, as they are in Debian 12 for ARM64, as a cpio archive for its root directory.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED
 */
export async function guestTools(signal: AbortSignal): Promise<Buffer> {
  const { cacheDir } = sharedTiny('aarch64');
  const archive = await openArchive({ arch: 'arm64', cacheDir, progress: silentProgress(signal) });
  const wanted = dependencyClosure(archive.index, packages, (name) => /^(debconf|dpkg|adduser)/.test(name));
  const debs = await archive.fetchPackages(wanted);
  const tree = new Map<string, RootEntry>();
  for (const [index, data] of debs.entries()) {
    const want = ({ path, type }: DebEntry) =>
      type !== 'directory' && (programs.test(path) || libraries.test(path));
    const files = await readDeb(data, { name: wanted[index]?.name ?? '', want, signal });
    // In the guest /lib is a link.
    for (const [path, file] of files) tree.set(path.replace(/^lib\//, 'usr/lib/'), entryOf(file));
  }
  return writeCpio(tree);
}
