import type { ImportMachine } from '../../api/import.ts';
import { KameError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import { diskFormatOf } from '../../disk/probe.ts';
import { planMap, type MapPlan } from '../../disk/write-map.ts';
import type { RecipeDisk } from '../bundle/recipe.ts';

/** How the content of disks gets into a new machine. */
export type DiskChoice = NonNullable<ImportMachine['disks']>;

/** What a new machine gets for a disk of the original. */
export interface DiskWay {
  readonly disks: readonly RecipeDisk[];
  /** The files that stay in use. Empty for a disk that is copied. */
  readonly originals: readonly string[];
  /** Why the disk is copied although nobody asked for that, as a sentence. */
  readonly note?: string;
}

/** The file with the tables of a disk that is used in place, beneath the disk of this name. */
function mapName(fileName: string): string {
  return `${fileName.replace(/\.qcow2$/u, '')}-original.map`;
}

function filesOf({ layers }: MapPlan): string[] {
  return layers.flatMap(({ path, extents }) => [path, ...extents.map((extent) => extent.path)]);
}

async function planOrReason(
  path: string,
  progress: Progress,
): Promise<MapPlan | { readonly reason: string }> {
  if ((await diskFormatOf(path)) !== 'vmdk') return { reason: `${path} is not a VMDK` };
  return await planMap(path, progress);
}

/**
 * Decides how a disk of a machine gets into the new one: in place if that can be, unless a copy was asked for.
 * @throws KameError BAD_IMAGE when in place was asked for and cannot be, CANCELLED, FILE_ACCESS
 */
export async function wayOf(
  disk: { readonly slot: string; readonly path: string },
  fileName: string,
  choice: DiskChoice | undefined,
  progress: Progress,
): Promise<DiskWay> {
  const { slot, path } = disk;
  const copy = [{ fileName, from: 'image', source: path }] as const;
  if (choice === 'convert') return { disks: copy, originals: [] };
  const plan = await planOrReason(path, progress);
  if (!('reason' in plan)) {
    const empty = { fileName, from: 'nothing', sizeBytes: plan.size } as const;
    if (plan.parts.length === 0) return { disks: [empty], originals: [] };
    const map = { fileName: mapName(fileName), from: 'map', plan } as const;
    const backing = { backing: map.fileName, backingFormat: 'qcow2', virtualSize: plan.size } as const;
    return { disks: [map, { fileName, from: 'overlay', ...backing }], originals: filesOf(plan) };
  }
  if (choice === undefined) {
    const note = `${slot} is copied, because it cannot be used in place: ${plan.reason}.`;
    return { disks: copy, originals: [], note };
  }
  throw new KameError('BAD_IMAGE', `The disk ${slot} cannot be used in place: ${plan.reason}.`, {
    next: 'Import the machine without --in-place: the content of the disk is then copied.',
    details: { path },
  });
}
