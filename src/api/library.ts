import * as z from 'zod';
import { movedOrCopied } from './machine.ts';

/** Shapes of what is done to machines as files: register, rename, repair, delete. */

export const registerMachine = z
  .object({
    path: z.string().max(4096).describe('Absolute path of a .vmx, or of the bundle that contains it'),
    allowOutside: z
      .array(z.string().max(4096))
      .max(1000)
      .optional()
      .describe('Files outside its directory that the machine may use, as machines.inspect lists them'),
    sameName: z
      .boolean()
      .optional()
      .describe('Add it even if a machine of the list has its name; either is then known by its path'),
    movedOrCopied: movedOrCopied.optional(),
  })
  .strict()
  .meta({ id: 'RegisterMachine' });
export type RegisterMachine = z.output<typeof registerMachine>;

export const inspectMachine = registerMachine.pick({ path: true }).strict().meta({ id: 'InspectMachine' });

export const machineFiles = z
  .object({
    deleted: z.array(z.string()).describe('The files of the machine, which a deletion removes'),
    kept: z.array(z.string()).describe('Other files of its bundle, and its disks elsewhere, which stay'),
  })
  .meta({ id: 'MachineFiles' });
export const deletedMachine = z
  .object({
    ok: z.literal(true),
    kept: machineFiles.shape.kept,
  })
  .meta({ id: 'DeletedMachine' });

export type MachineFiles = z.infer<typeof machineFiles>;

export const renameMachine = z
  .object({ name: z.string().describe('The new name') })
  .strict()
  .meta({ id: 'RenameMachine' });

export const repairMachine = z
  .object({
    forget: z
      .array(z.string().max(4096))
      .max(64)
      .default([])
      .describe('Paths of the .vmx files of linked clones that no longer exist'),
    acceptBase: z
      .boolean()
      .default(false)
      .describe('Accept the base disks of this linked clone as they are, although they have changed'),
    original: z
      .string()
      .max(4096)
      .optional()
      .describe(
        'Absolute path of the directory to which the original of a machine that uses its disks in place was moved',
      ),
  })
  .strict()
  .meta({ id: 'RepairMachine' });
export type RepairMachine = z.output<typeof repairMachine>;

export const repairedMachine = z
  .object({
    name: z.string(),
    changes: z.array(z.string()).describe('What was done, as sentences; empty if nothing was necessary'),
    problems: z.array(z.string()).describe('What could not be repaired and what to do, as sentences'),
  })
  .meta({ id: 'RepairedMachine' });
export type RepairedMachine = z.infer<typeof repairedMachine>;
