import * as z from 'zod';

/** What machines and the host use. */

export const machineActivity = z
  .object({
    id: z.string(),
    name: z.string(),
    cpus: z.number().describe('Processors of the host that its engine used: 1.5 is one and a half'),
    residentBytes: z.int().describe('Memory of the host that its engine holds, with what it shares'),
    privateBytes: z
      .int()
      .nullable()
      .describe('Memory that only this engine holds; null where the host does not tell'),
    configuredBytes: z.int().describe('Memory that the guest has'),
    readBytesPerSecond: z.number().nullable().describe('From its disks; null if the engine does not answer'),
    writtenBytesPerSecond: z.number().nullable(),
  })
  .meta({ id: 'MachineActivity' });
export type MachineActivity = z.infer<typeof machineActivity>;

export const activitySample = z
  .object({
    at: z.string().describe('ISO 8601'),
    host: z.object({
      cpus: z.number().describe('Processors that are in use by all programs'),
      cpuCount: z.int(),
      memoryBytes: z.int(),
      freeBytes: z.int().describe('Memory that programs can still get'),
    }),
    machines: z.array(machineActivity).describe('Those that run'),
  })
  .meta({ id: 'ActivitySample' });
export type ActivitySample = z.infer<typeof activitySample>;
