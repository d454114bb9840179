import { basename, extname, isAbsolute, join, relative } from 'node:path';
import type { ImportMachine } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { readDescriptor } from '../../ovf/descriptor.ts';
import { edit } from '../../vmx/document.ts';
import type { Host } from '../host/host.ts';
import { planAppliance } from './appliance-plan.ts';
import { openFileStream } from './byte-stream.ts';
import { isDiskPath, planDisk } from './disk-plan.ts';
import { applianceKind, openArchive, openDirectory, type OpenAppliance } from './members.ts';
import { originKey, planImport, type ImportPlan } from './plan.ts';
import { openRemote } from './remote-appliance.ts';
import { readSource } from './source.ts';
import { uploadIdOf } from './upload.ts';
import { openUrlStream, urlOf } from './url-stream.ts';

/** What is imported, opened for reading. */
export interface ImportSource extends AsyncDisposable {
  /** What the new machine is named by default. */
  readonly name: string;
  /** Plans everything, and writes nothing. @throws KameError BAD_IMAGE, INVALID_VALUE, DISK_FULL, FILE_ACCESS */
  plan(name: string): Promise<ImportPlan>;
}

function stemOf(path: string): string {
  return basename(path, extname(path));
}

const nothingOpen = { [Symbol.asyncDispose]: async () => await Promise.resolve() };

/**
 * An appliance whose descriptor has come. It is closed with the source, or after a failure.
 * @param origin as ApplianceRequest has it
 * @throws KameError BAD_IMAGE
 */
export async function applianceSource(
  open: OpenAppliance,
  { networks, properties }: Pick<ImportMachine, 'networks' | 'properties'>,
  origin: string | undefined,
): Promise<ImportSource> {
  const close = async (): Promise<void> => await open[Symbol.asyncDispose]();
  try {
    const appliance = readDescriptor(`${open.label}: ${open.name}`, open.descriptor, properties);
    return {
      name: appliance.name === '' ? stemOf(open.name) : appliance.name,
      plan: async (name) => {
        const request = { name, origin, ...(networks ? { networks } : {}) };
        return await Promise.resolve(planAppliance(open, appliance, request));
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openAppliance(
  host: Host,
  path: string,
  kind: 'archive' | 'descriptor',
  progress: Progress,
): Promise<OpenAppliance> {
  const url = urlOf(path);
  if (url && kind === 'descriptor') return await openRemote(url, host.env, progress.signal);
  if (url) return await openArchive(await openUrlStream(url, host.env, progress.signal), progress);
  if (kind === 'descriptor') return await openDirectory(path);
  return await openArchive(await openFileStream(path, true), progress);
}

function onlyMachines(path: string): KameError {
  return new KameError(
    'USAGE',
    `${path} is not a machine of VMware, whose disks alone can be used in place.`,
    {
      next: 'Import it without --in-place.',
      details: { path },
    },
  );
}

/**
 * What was uploaded: its files are not the original, and are removed after the import, so disks are copied out of them.
 * @throws KameError USAGE if they are to be used in place
 */
async function openUpload(
  host: Host,
  id: string,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportSource> {
  if (request.disks === 'inPlace')
    throw new KameError(
      'USAGE',
      'What was uploaded is removed after its import, so it cannot be used in place.',
    );
  const { directory, main } = await host.uploads.complete(id);
  const inside = { ...request, path: join(directory, main), disks: 'convert' } as const;
  const source = await openPath(host, inside, progress);
  return {
    name: source.name,
    plan: async (name) => {
      const { report, recipe } = await source.plan(name);
      // The very same object: an appliance adds notes to it while it is read.
      report.source = main;
      for (const disk of report.disks)
        if (disk.path !== undefined && isAbsolute(disk.path)) disk.path = relative(directory, disk.path);
      return {
        report,
        recipe: { ...recipe, document: edit(recipe.document, new Map([[originKey, null]])) },
      };
    },
    [Symbol.asyncDispose]: async () => await source[Symbol.asyncDispose](),
  };
}

/**
 * Opens what a request names: an appliance, a disk, or a machine of VMware.
 * @throws KameError USAGE, NO_SUCH_IMAGE, BAD_IMAGE, DOWNLOAD_FAILED, FILE_ACCESS, and as readSource
 */
export async function openSource(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportSource> {
  const id = uploadIdOf(request.path);
  return id === undefined
    ? await openPath(host, request, progress)
    : await openUpload(host, id, request, progress);
}

async function openPath(host: Host, request: ImportMachine, progress: Progress): Promise<ImportSource> {
  const { path, guestOS, disks } = request;
  const url = urlOf(path);
  const kind = applianceKind(url?.pathname ?? path) ?? (url && 'archive');
  if (disks === 'inPlace' && (kind !== undefined || isDiskPath(path))) throw onlyMachines(path);
  if (kind !== undefined) {
    const open = await openAppliance(host, path, kind, progress);
    return await applianceSource(open, request, url ? open.label : path);
  }
  if (isDiskPath(path)) {
    return {
      name: stemOf(path),
      plan: async (name) => await planDisk(path, name, guestOS),
      ...nothingOpen,
    };
  }
  const bundle = await readSource(path);
  return {
    name: bundle.name,
    plan: async (name) => await planImport(host, bundle, { name, disks }, progress),
    ...nothingOpen,
  };
}
