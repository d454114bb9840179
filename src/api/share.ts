import * as z from 'zod';

/** Shapes of shared folders. */

export const sharedFolder = z
  .object({
    name: z.string().describe('Its name in the guest'),
    hostPath: z.string().describe('The folder of the host'),
    writable: z.boolean().describe('Whether the guest may change what is in it'),
    state: z
      .enum(['shared', 'off', 'gone', 'unconfirmed'])
      .describe(
        'shared; off by a key of the .vmx; gone: the folder cannot be opened now; unconfirmed: the .vmx names it, and nobody has agreed',
      ),
    reason: z.string().nullable().describe('Why it is not shared; null if it is'),
  })
  .meta({ id: 'SharedFolder' });

export const machineShares = z
  .object({
    machine: z.string(),
    folders: z.array(sharedFolder),
    connected: z
      .boolean()
      .nullable()
      .describe('Whether a program in the guest serves them to it; null if the machine does not run'),
    note: z.string().nullable().describe('What keeps the guest from all of them; null if nothing is known'),
    address: z.string().describe('Where a WebDAV client in the guest finds them'),
    mounted: z
      .string()
      .nullable()
      .describe('The directory of the guest in which kame-tools mount them; null if they do not'),
    mount: z
      .string()
      .nullable()
      .describe('A command for the guest that makes them a directory or a drive; null if there is none'),
    needs: z.string().describe('What the guest needs for it'),
  })
  .meta({ id: 'MachineShares' });
export type MachineShares = z.infer<typeof machineShares>;

export const addShare = z
  .strictObject({
    hostPath: z.string().min(1).max(4096).describe('Absolute path of a folder of the host'),
    name: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('Its name in the guest; default: that of the folder'),
    readOnly: z.boolean().default(false).describe('The guest may not change what is in it'),
  })
  .meta({ id: 'AddShare' });
export const allowShares = z
  .strictObject({
    allowed: z.boolean().describe('False: the guest gets none of the folders, which stay in the list'),
  })
  .meta({ id: 'AllowShares' });

export type AddShare = z.output<typeof addShare>;
