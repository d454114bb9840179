import * as z from 'zod';

/** Shapes of the conversion of disks to VMDK. */

export const convertDisk = z
  .strictObject({
    source: z.string().min(1).max(4096).describe('Absolute path of a VMDK or a qcow2, which is only read'),
    path: z.string().min(1).max(4096).describe('Absolute path of the new VMDK, which must not exist'),
    kind: z
      .enum([
        'monolithicSparse',
        'twoGbMaxExtentSparse',
        'monolithicFlat',
        'twoGbMaxExtentFlat',
        'vmfs',
        'vmfsThin',
        'streamOptimized',
      ])
      .describe('As in VMDK descriptors; vmfsThin is vmfs that says it is thin'),
    adapter: z
      .enum(['ide', 'lsilogic', 'buslogic'])
      .default('lsilogic')
      .describe('The kind of controller for which the disk says its geometry'),
  })
  .meta({ id: 'ConvertDisk' });
export type ConvertDisk = z.output<typeof convertDisk>;

export const convertedDisk = z
  .object({
    path: z.string(),
    sizeBytes: z.int().describe('Size of the disk in the guest'),
    files: z
      .array(z.object({ path: z.string(), sizeBytes: z.number() }))
      .describe('The files that were written'),
  })
  .meta({ id: 'ConvertedDisk' });
export type ConvertedDisk = z.infer<typeof convertedDisk>;
