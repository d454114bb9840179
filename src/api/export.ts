import * as z from 'zod';

/** Shapes of the export of machines for VMware's products. */

export const exportMachine = z
  .object({
    path: z
      .string()
      .max(4096)
      .describe(
        'Absolute path of the result, which must not exist. Its extension says what it becomes: .ova, .ovf or .vmwarevm',
      ),
    snapshot: z
      .string()
      .max(4096)
      .optional()
      .describe('The snapshot to export. Default: the current state of a stopped machine'),
  })
  .strict()
  .meta({ id: 'ExportMachine' });
export type ExportMachine = z.output<typeof exportMachine>;

export const exportedMachine = z
  .object({
    path: z.string(),
    files: z
      .array(z.object({ path: z.string(), sizeBytes: z.number() }))
      .describe('The files that were written'),
    disks: z.array(
      z.object({
        slot: z.string(),
        sizeBytes: z.number().describe('Size of the disk in the guest'),
        dataBytes: z.number().describe('Bytes of it with data, in grains of 64 KiB'),
      }),
    ),
    notes: z.array(z.string()).describe('What the export lacks or has otherwise, as sentences'),
  })
  .meta({ id: 'ExportedMachine' });
export type ExportedMachine = z.infer<typeof exportedMachine>;
