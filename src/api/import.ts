import * as z from 'zod';
import { machineDetails } from './machine.ts';

/** Shapes of the import of machines that VMware's products made. */

export const importMachine = z
  .object({
    path: z.string().max(4096).describe('Absolute path of a .vmx, or of the bundle that contains it'),
    name: z.string().optional().describe('Name of the new machine. Default: that of the original'),
  })
  .strict()
  .meta({ id: 'ImportMachine' });
export type ImportMachine = z.output<typeof importMachine>;

export const importReport = z
  .object({
    name: z.string().describe('Name of the new machine'),
    source: z.string().describe('Path of the .vmx of the original, which is never written'),
    disks: z.array(
      z.object({
        slot: z.string(),
        path: z.string().describe('The disk of the original, which is copied into a qcow2'),
        sizeBytes: z.number().describe('Size of the disk in the guest'),
      }),
    ),
    notes: z.array(z.string()).describe('What the new machine lacks or does differently, as sentences'),
  })
  .meta({ id: 'ImportReport' });
export type ImportReport = z.infer<typeof importReport>;

export const importedMachine = z
  .object({ machine: machineDetails, report: importReport })
  .meta({ id: 'ImportedMachine' });
export type ImportedMachine = z.infer<typeof importedMachine>;
