import * as z from 'zod';
import { machineDetails } from './machine.ts';

/** Shapes of the import of machines, appliances and disks. */

export const importMachine = z
  .object({
    path: z
      .string()
      .max(4096)
      .describe(
        'Absolute path of a .vmx or the bundle that contains it, an appliance (.ova, .ovf) or a disk; or the URL of an appliance',
      ),
    name: z.string().optional().describe('Name of the new machine. Default: that of the original'),
    guestOS: z.string().optional().describe('Guest OS id, for a disk, which does not tell'),
    networks: z
      .record(z.string().max(200), z.string().max(200))
      .optional()
      .describe(
        'Networks for those of an appliance, by name: nat, bridged, hostonly or a network. Default: nat',
      ),
    disks: z
      .enum(['inPlace', 'convert'])
      .optional()
      .describe(
        'For a machine of VMware: inPlace leaves the content of its disks in its files, which are only read, and refuses a disk with which that cannot be; convert copies them. Default: in place where that can be',
      ),
    acceptEula: z.boolean().optional().describe('Whether the licences of an appliance are accepted'),
  })
  .strict()
  .meta({ id: 'ImportMachine' });
export type ImportMachine = z.output<typeof importMachine>;

export const importReport = z
  .object({
    name: z.string().describe('Name of the new machine'),
    source: z.string().describe('Path or URL of the original, which is never written'),
    disks: z.array(
      z.object({
        slot: z.string(),
        path: z.string().optional().describe('The disk of the original. Absent for a new, empty one'),
        inPlace: z
          .boolean()
          .describe(
            'Whether its content stays in the files of the original; otherwise it is copied into a qcow2',
          ),
        sizeBytes: z.number().describe('Size of the disk in the guest'),
      }),
    ),
    eulas: z.array(z.string()).describe('Licences of an appliance, to be accepted before it is imported'),
    notes: z.array(z.string()).describe('What the new machine lacks or does differently, as sentences'),
  })
  .meta({ id: 'ImportReport' });
export type ImportReport = z.infer<typeof importReport>;

export const importedMachine = z
  .object({ machine: machineDetails, report: importReport })
  .meta({ id: 'ImportedMachine' });
export type ImportedMachine = z.infer<typeof importedMachine>;

export const importStream = importMachine
  .omit({ path: true, guestOS: true, disks: true })
  .extend({
    dryRun: z.boolean().optional().describe('Only report: the descriptor is enough, and nothing is written'),
  })
  .meta({ id: 'ImportStream' });
export type ImportStream = z.output<typeof importStream>;

/** A message of the server during the import of a stream. */
export const importStreamMessage = z
  .union([
    z.object({
      type: z.literal('progress'),
      stage: z.string(),
      bytes: z.int().optional().describe('How many bytes of the appliance were read'),
    }),
    z.object({ type: z.literal('report'), report: importReport }),
    z.object({ type: z.literal('end'), imported: importedMachine }),
  ])
  .meta({ id: 'ImportStreamMessage' });
export type ImportStreamMessage = z.infer<typeof importStreamMessage>;
