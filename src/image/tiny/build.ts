import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { KameError, errnoOf } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { assetPath, toolsPath } from '../../sys/assets.ts';
import { fileError, temporaryName } from '../../sys/files.ts';
import { openArchive, type DebianArchive } from '../debian/archive.ts';
import { readDeb, type DebEntry, type DebFile } from '../debian/deb.ts';
import { dependencyClosure, type DebianPackage } from '../debian/packages.ts';
import { writeCpio } from './cpio.ts';
import { writeDisk } from './disk.ts';
import { hashGuestFiles, readGuestFiles, type GuestFile } from './guest-files.ts';
import { imageOf, manifestName, readImage, type TinyImage, type TinyManifest } from './manifest.ts';
import { selectModules } from './modules.ts';
import {
  bootLoaderPackage,
  commandLine,
  kernelModules,
  mayBeNeeded,
  programPackages,
  recipeNumber,
  targets,
  type TinyArch,
} from './recipe.ts';
import { buildRoot, isProgramFile } from './root.ts';
import { extractVmlinux } from './vmlinux.ts';

export interface BuildTinyOptions {
  readonly arch: TinyArch;
  /** Directory for downloads, named by hash; several builds may share it. */
  readonly cacheDir: string;
  /** Directory of the image; replaced as a whole. */
  readonly outDir: string;
  readonly progress: Progress;
  /** Debian mirror. Default: KAME_DEBIAN_MIRROR, otherwise http://deb.debian.org/debian. */
  readonly mirror?: string;
  /** Where kame-tools are. Default: where the programs are. An image can be built without them. */
  readonly toolsDirectory?: string;
}

interface Sources {
  readonly release: DebianArchive['release'];
  readonly packages: readonly DebianPackage[];
  readonly kernelName: string;
  /** Package name -> the .deb. */
  readonly debs: ReadonlyMap<string, Buffer>;
}

/** Dependencies that the guest does not need; their own dependencies are not fetched either. */
const unneededPackages = new Set(['init-system-helpers', 'logsave', 'libgcc-s1', 'gcc-12-base']);

async function fetchSources({ arch, cacheDir, mirror, progress }: BuildTinyOptions): Promise<Sources> {
  const target = targets[arch];
  const archive = await openArchive({
    arch: target.debian,
    cacheDir,
    progress,
    ...(mirror === undefined ? {} : { mirror }),
  });
  const meta = archive.index.get(target.kernelPackage);
  const kernelName = meta?.depends.flat().find((name) => name.startsWith('linux-image-'));
  const kernel = kernelName === undefined ? undefined : archive.index.get(kernelName);
  if (!kernel) {
    throw new KameError('NO_SUCH_IMAGE', `The Debian archive has no kernel for ${target.kernelPackage}.`);
  }
  const programs = dependencyClosure(archive.index, [...programPackages, bootLoaderPackage], (name) =>
    unneededPackages.has(name),
  );
  const packages = [kernel, ...programs];
  const data = await archive.fetchPackages(packages);
  const debs = new Map(packages.map((one, index) => [one.name, data[index] as Buffer]));
  return { release: archive.release, packages, kernelName: kernel.name, debs };
}

interface Unpacked {
  readonly kernel: Buffer;
  readonly kernelVersion: string;
  readonly modules: Map<string, Uint8Array>;
  readonly programs: Map<string, DebFile>;
  readonly bootLoader: Uint8Array;
}

async function unpackKernel(
  sources: Sources,
  signal: AbortSignal,
): Promise<Pick<Unpacked, 'kernel' | 'kernelVersion' | 'modules'>> {
  const files = await readDeb(sources.debs.get(sources.kernelName) as Buffer, {
    name: sources.kernelName,
    want: ({ path, type }) => type === 'file' && (path.startsWith('boot/vmlinuz-') || mayBeNeeded(path)),
    signal,
  });
  const path = [...files.keys()].find((name) => name.startsWith('boot/vmlinuz-'));
  const kernelVersion = path?.slice('boot/vmlinuz-'.length) ?? '';
  if (path === undefined || !/^[\w.+-]{1,60}$/.test(kernelVersion)) {
    throw new KameError('BAD_IMAGE', `The package ${sources.kernelName} contains no kernel.`);
  }
  const prefix = `lib/modules/${kernelVersion}/`;
  const modules = new Map<string, Uint8Array>();
  for (const [name, file] of files) {
    if (name.startsWith(prefix)) modules.set(name.slice(prefix.length), file.data);
  }
  return { kernel: Buffer.from((files.get(path) as DebFile).data), kernelVersion, modules };
}

async function unpack(sources: Sources, loaderName: string, progress: Progress): Promise<Unpacked> {
  progress.report({ stage: 'Unpacking the kernel' });
  const kernel = await unpackKernel(sources, progress.signal);
  progress.report({ stage: 'Unpacking programs' });
  const programs = new Map<string, DebFile>();
  let bootLoader: Uint8Array | undefined;
  for (const [name, data] of sources.debs) {
    if (name === sources.kernelName) continue;
    const want = ({ path }: DebEntry) => isProgramFile(path) || path.endsWith(`/${loaderName}`);
    for (const [path, file] of await readDeb(data, { name, want, signal: progress.signal })) {
      if (path.endsWith(`/${loaderName}`)) bootLoader = file.data;
      else programs.set(path, file);
    }
  }
  if (!bootLoader)
    throw new KameError('BAD_IMAGE', `The package ${bootLoaderPackage} does not contain ${loaderName}.`);
  return { ...kernel, programs, bootLoader };
}

/** The /etc/os-release of the guest; see os-release(5). */
export function osRelease(debianVersion: string): string {
  return [
    'PRETTY_NAME="Kame tiny (Debian ' + debianVersion + ')"',
    'NAME="Kame tiny"',
    'ID=kame-tiny',
    'ID_LIKE=debian',
    `VERSION_ID="${debianVersion}"`,
    `VERSION="${debianVersion} (bookworm)"`,
    'VERSION_CODENAME=bookworm',
    '',
  ].join('\n');
}

interface Assembly {
  readonly options: BuildTinyOptions;
  readonly sources: Sources;
  readonly unpacked: Unpacked;
  readonly guestFiles: ReadonlyMap<string, GuestFile>;
  readonly recipe: string;
}

async function assemble(
  directory: string,
  { options, sources, unpacked, guestFiles, recipe }: Assembly,
): Promise<TinyManifest> {
  const { arch, progress } = options;
  const target = targets[arch];
  const { kernelVersion } = unpacked;
  const debianVersion = /^[\d.]{1,10}$/.test(sources.release.version) ? sources.release.version : '12';
  progress.report({ stage: 'Assembling the image' });
  const tree = buildRoot({
    target,
    files: unpacked.programs,
    modules: selectModules(unpacked.modules, [...kernelModules.boot, ...kernelModules.later]),
    kernelVersion,
    guestFiles,
    osRelease: osRelease(debianVersion),
  });
  const initrd = writeCpio(tree);
  const direct = arch === 'x86_64' ? await extractVmlinux(unpacked.kernel, progress.signal) : unpacked.kernel;
  const parameters = commandLine(target);
  await writeFile(join(directory, 'kernel'), direct);
  await writeFile(join(directory, 'initrd'), initrd);
  await writeDisk(
    join(directory, 'disk.qcow2'),
    {
      target,
      kernel: unpacked.kernel,
      initrd,
      bootLoader: unpacked.bootLoader,
      commandLine: parameters,
      title: `Kame tiny (Debian ${debianVersion}, Linux ${kernelVersion})`,
    },
    progress,
  );
  const file = async (name: string) => ({ name, size: (await stat(join(directory, name))).size });
  const manifest: TinyManifest = {
    recipe,
    arch,
    version: `${debianVersion}-${kernelVersion.replace(/-[a-z0-9]+$/, '')}`,
    kernelVersion,
    commandLine: parameters,
    files: { disk: await file('disk.qcow2'), kernel: await file('kernel'), initrd: await file('initrd') },
    packages: sources.packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
  };
  await writeFile(join(directory, manifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Moves a finished directory into place, replacing any previous one. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
    const old = temporaryName(to);
    await rename(to, old);
    await rename(from, to);
    await rm(old, { recursive: true, force: true });
  }
}

/**
 * Builds the tiny guest image from Debian packages, verified by the signature of the archive, without root and without
 * running foreign code. If `outDir` has a complete image of this recipe, returns that, without using the network.
 * @throws KameError DOWNLOAD_FAILED, CHECKSUM_MISMATCH, BAD_IMAGE, DISK_FULL, FILE_ACCESS, ENGINE_MISSING, CANCELLED;
 * no partial image remains
 */
export async function buildTiny(options: BuildTinyOptions): Promise<TinyImage> {
  const { arch } = options;
  const outDir = resolve(options.outDir);
  const tools = toolsPath(arch, options.toolsDirectory);
  const guestFiles = await readGuestFiles(assetPath('guest/tiny'), targets[arch], tools);
  const recipe = `${recipeNumber}-${hashGuestFiles(guestFiles)}`;
  const present = await readImage(outDir, arch, recipe);
  if (present) return present;
  try {
    return await make(outDir, options, guestFiles, recipe);
  } catch (error) {
    throw unsuitableArchive(error);
  }
}

/** Packages whose checksums are right but which cannot be used: nobody can replace them by an intact copy. */
function unsuitableArchive(error: unknown): unknown {
  if (!(error instanceof KameError) || error.code !== 'BAD_IMAGE' || error.next !== error.kind.next)
    return error;
  return new KameError('BAD_IMAGE', error.message, {
    next: 'The packages of this Debian archive do not suit this version of Kame. Choose another image: see `kame image list`.',
    details: error.details,
    cause: error,
  });
}

async function make(
  outDir: string,
  options: BuildTinyOptions,
  guestFiles: ReadonlyMap<string, GuestFile>,
  recipe: string,
): Promise<TinyImage> {
  const { arch, progress } = options;
  const sources = await fetchSources(options);
  const unpacked = await unpack(sources, targets[arch].bootLoader, progress);
  const temporary = temporaryName(outDir);
  try {
    await mkdir(dirname(outDir), { recursive: true });
    await mkdir(temporary);
    const manifest = await assemble(temporary, { options, sources, unpacked, guestFiles, recipe });
    await moveIntoPlace(temporary, outDir);
    return imageOf(manifest, outDir);
  } catch (error) {
    throw errnoOf(error) === undefined ? error : fileError(error, outDir);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
