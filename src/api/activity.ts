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
    receivedBytesPerSecond: z
      .number()
      .nullable()
      .describe('To its network adapters; null if their switches do not tell'),
    sentBytesPerSecond: z.number().nullable(),
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
      readBytesPerSecond: z
        .number()
        .nullable()
        .describe('From its disks; null where the system does not tell'),
      writtenBytesPerSecond: z.number().nullable(),
      receivedBytesPerSecond: z
        .number()
        .nullable()
        .describe('By its network adapters; null where the system does not tell'),
      sentBytesPerSecond: z.number().nullable(),
      watts: z.number().nullable().describe('What its processors use, by RAPL; null where that is not known'),
      wattsLack: z
        .enum(['not-told', 'only-root'])
        .nullable()
        .describe('Why nothing is known of its energy: it does not tell, or only to root'),
    }),
    machines: z.array(machineActivity).describe('Those that run'),
  })
  .meta({ id: 'ActivitySample' });
export type ActivitySample = z.infer<typeof activitySample>;
