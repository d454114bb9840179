import { join } from 'node:path';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { download, downloadChecked } from './download.ts';
import { bookwormKeys, type ArchiveKey } from './keys.ts';
import { parsePackages, type DebianPackage, type PackageIndex } from './packages.ts';
import { checkRelease, parseRelease, verifyInRelease, type Release } from './release.ts';
import { decompressXzWhole } from './xz.ts';

export type DebianArch = 'arm64' | 'amd64';

/** The source of packages unless an option or KAME_DEBIAN_MIRROR overrides it. */
export const defaultMirror = 'http://deb.debian.org/debian';

export interface ArchiveOptions {
  readonly arch: DebianArch;
  /** Directory of files named by their SHA256; any number of builds may share it. */
  readonly cacheDir: string;
  readonly progress: Progress;
  readonly mirror?: string;
  readonly suite?: string;
  readonly keys?: readonly ArchiveKey[];
  readonly now?: Date;
}

/** A Debian suite whose signature was verified. Looks up and fetches packages. */
export interface DebianArchive {
  readonly release: Release;
  readonly index: PackageIndex;
  /**
   * Fetches packages and verifies them against the index. Returns their bytes in the same order.
   * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED
   */
  fetchPackages(packages: readonly DebianPackage[]): Promise<Buffer[]>;
}

/** More would be unfriendly to a mirror. */
const parallelDownloads = 4;
const maxInReleaseBytes = 4 * 1024 * 1024;
const maxPackagesXzBytes = 64 * 1024 * 1024;
const maxPackagesBytes = 256 * 1024 * 1024;
const maxPackageBytes = 512 * 1024 * 1024;

/**
 * The URL of the mirror, without a trailing slash.
 * @throws KameError INVALID_VALUE when it is not an http or https URL
 */
export function mirrorAddress(
  option: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): string {
  const text = option ?? environment['KAME_DEBIAN_MIRROR'] ?? defaultMirror;
  if (!URL.canParse(text) || !/^https?:\/\//.test(text)) {
    throw new KameError(
      'INVALID_VALUE',
      `The Debian mirror is "${text}", which is not an http or https URL.`,
    );
  }
  return text.replace(/\/+$/, '');
}

async function fetchIndex(base: string, release: Release, options: ArchiveOptions): Promise<PackageIndex> {
  const path = `main/binary-${options.arch}/Packages.xz`;
  const entry = release.files.get(path);
  if (!entry || entry.size > maxPackagesXzBytes) {
    throw new KameError('BAD_IMAGE', `The Debian archive at ${base} does not list a usable ${path}.`);
  }
  // The path by hash keeps serving the signed file while the mirror is being updated.
  const byHash = `main/binary-${options.arch}/by-hash/SHA256/${entry.sha256}`;
  const { progress } = options;
  let done = 0;
  const data = await downloadChecked(`${base}/${release.byHash ? byHash : path}`, entry, {
    cachePath: join(options.cacheDir, entry.sha256),
    signal: progress.signal,
    onBytes: (count) =>
      progress.report({
        stage: 'Debian package index',
        done: (done += count),
        total: entry.size,
        unit: 'bytes',
      }),
  });
  const text = await decompressXzWhole(data, {
    name: path,
    maxBytes: maxPackagesBytes,
    signal: progress.signal,
  });
  return parsePackages(text.toString('latin1'));
}

async function fetchAll(
  mirror: string,
  packages: readonly DebianPackage[],
  options: ArchiveOptions,
): Promise<Buffer[]> {
  const { progress, cacheDir } = options;
  const total = packages.reduce((sum, one) => sum + one.size, 0);
  let done = 0;
  for (const one of packages) {
    if (one.size > maxPackageBytes)
      throw new KameError('BAD_IMAGE', `The package ${one.name} is too large: ${one.size} bytes.`);
  }
  const results = new Map<DebianPackage, Buffer>();
  const queue = [...packages];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let one = queue.shift(); one && failures.length === 0; one = queue.shift()) {
      const data = await downloadChecked(`${mirror}/${one.filename}`, one, {
        cachePath: join(cacheDir, one.sha256),
        signal: progress.signal,
        onBytes: (count) =>
          progress.report({ stage: 'Debian packages', done: (done += count), total, unit: 'bytes' }),
      });
      results.set(one, data);
    }
  };
  const fail = (error: unknown) => {
    failures.push(error);
  };
  // Wait for all workers, so that nothing continues after a failure.
  await Promise.all(Array.from({ length: parallelDownloads }, () => worker().catch(fail)));
  if (failures.length > 0) throw failures[0];
  return packages.map((one) => results.get(one) as Buffer);
}

/**
 * Opens a suite of the Debian archive: verifies InRelease by its signature, and the package index by the signed hash.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH, BAD_IMAGE, INVALID_VALUE, CANCELLED
 */
export async function openArchive(options: ArchiveOptions): Promise<DebianArchive> {
  const suite = options.suite ?? 'bookworm';
  const mirror = mirrorAddress(options.mirror);
  const base = `${mirror}/dists/${suite}`;
  options.progress.report({ stage: 'Debian release file' });
  const signed = await download(`${base}/InRelease`, {
    maxBytes: maxInReleaseBytes,
    signal: options.progress.signal,
  });
  const text = await verifyInRelease(signed.toString('utf8'), options.keys ?? bookwormKeys);
  const release = parseRelease(text);
  checkRelease(release, suite, options.now ?? new Date());
  const index = await fetchIndex(base, release, options);
  return { release, index, fetchPackages: (packages) => fetchAll(mirror, packages, options) };
}
