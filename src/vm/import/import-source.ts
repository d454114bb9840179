import { basename, extname } from 'node:path';
import type { ImportMachine } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { readDescriptor } from '../../ovf/descriptor.ts';
import type { Host } from '../host/host.ts';
import { planAppliance } from './appliance-plan.ts';
import { openFileStream } from './byte-stream.ts';
import { isDiskPath, planDisk } from './disk-plan.ts';
import { applianceKind, openArchive, openDirectory, type OpenAppliance } from './members.ts';
import { planImport, type ImportPlan } from './plan.ts';
import { openRemote } from './remote-appliance.ts';
import { readSource } from './source.ts';
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
  { networks }: Pick<ImportMachine, 'networks'>,
  origin: string | undefined,
): Promise<ImportSource> {
  const close = async (): Promise<void> => await open[Symbol.asyncDispose]();
  try {
    const appliance = readDescriptor(`${open.label}: ${open.name}`, open.descriptor);
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
 * Opens what a request names: an appliance, a disk, or a machine of VMware.
 * @throws KameError USAGE, NO_SUCH_IMAGE, BAD_IMAGE, DOWNLOAD_FAILED, FILE_ACCESS, and as readSource
 */
export async function openSource(
  host: Host,
  request: ImportMachine,
  progress: Progress,
): Promise<ImportSource> {
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
