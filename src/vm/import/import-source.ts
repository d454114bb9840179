import { basename, extname } from 'node:path';
import type { ImportMachine } from '../../api/import.ts';
import type { Progress } from '../../core/progress.ts';
import { readModel } from '../../model/read.ts';
import { readDescriptor, type Appliance } from '../../ovf/descriptor.ts';
import { emulationForecast } from '../engine/forecast.ts';
import type { Host } from '../host/host.ts';
import { planAppliance } from './appliance-plan.ts';
import { openFileStream } from './byte-stream.ts';
import { isDiskPath, planDisk } from './disk-plan.ts';
import { applianceKind, openArchive, openDirectory, type OpenAppliance } from './members.ts';
import { planImport, type ImportPlan } from './plan.ts';
import { readSource } from './source.ts';
import { openUrlStream, urlOf } from './url-stream.ts';

/** What is imported, opened for reading. */
export interface ImportSource extends AsyncDisposable {
  /** What the new machine is named by default. */
  readonly name: string;
  /** Plans everything, and writes nothing. @throws KameError BAD_IMAGE, INVALID_VALUE, DISK_FULL, FILE_ACCESS */
  plan(name: string, progress: Progress): Promise<ImportPlan>;
}

function stemOf(path: string): string {
  return basename(path, extname(path));
}

const nothingOpen = { [Symbol.asyncDispose]: async () => await Promise.resolve() };

/** The plan, with what to expect of the speed of the guest. */
async function withForecast(host: Host, plan: ImportPlan, progress: Progress): Promise<ImportPlan> {
  const { arch } = readModel(plan.recipe.document).model;
  const forecast = await emulationForecast(host, arch, progress);
  if (forecast !== undefined) plan.report.notes.push(forecast);
  return plan;
}

/** An appliance whose descriptor was read. @param origin as ApplianceRequest has it */
export function applianceSource(
  host: Host,
  open: OpenAppliance,
  request: Omit<ImportMachine, 'path'>,
  origin: string | undefined,
): ImportSource {
  const appliance: Appliance = readDescriptor(`${open.label}: ${open.name}`, open.descriptor);
  const { networks } = request;
  return {
    name: appliance.name === '' ? stemOf(open.name) : appliance.name,
    plan: async (name, progress) => {
      const plan = planAppliance(open, appliance, { name, origin, ...(networks ? { networks } : {}) });
      return await withForecast(host, plan, progress);
    },
    [Symbol.asyncDispose]: async () => await open[Symbol.asyncDispose](),
  };
}

async function openAppliance(
  host: Host,
  path: string,
  kind: 'archive' | 'descriptor',
  progress: Progress,
): Promise<OpenAppliance> {
  const url = urlOf(path);
  if (url) return await openArchive(await openUrlStream(url, host.env, progress.signal), progress);
  if (kind === 'descriptor') return await openDirectory(path);
  return await openArchive(await openFileStream(path, true), progress);
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
  const { path, guestOS } = request;
  const kind = urlOf(path) ? 'archive' : applianceKind(path);
  if (kind !== undefined) {
    const open = await openAppliance(host, path, kind, progress);
    try {
      return applianceSource(host, open, request, urlOf(path) ? open.label : path);
    } catch (error) {
      await open[Symbol.asyncDispose]();
      throw error;
    }
  }
  if (isDiskPath(path)) {
    return {
      name: stemOf(path),
      plan: async (name, during) => await withForecast(host, await planDisk(path, name, guestOS), during),
      ...nothingOpen,
    };
  }
  const bundle = await readSource(path);
  return {
    name: bundle.name,
    plan: async (name, during) => await planImport(host, bundle, name, during),
    ...nothingOpen,
  };
}
