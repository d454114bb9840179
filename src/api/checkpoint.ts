import * as z from 'zod';
import { autoProtectPeriods, cloneKinds, maxAutoProtectKeep, maxClones } from './limits.ts';
import { disk, machine, startMachine } from './machine.ts';

/** Shapes of snapshots, suspended machines, clones and disks as the API gives them and `kame … --json` prints them. */

/** What a person calls a snapshot: one line of text. */
const label = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'must have no control characters');
const description = z.string().max(16_384);

export const snapshot = z
  .object({
    uid: z.int().describe('Its number in the .vmsd; never given twice'),
    label: z.string(),
    description: z.string(),
    parent: z.int().nullable().describe('The uid of the snapshot below; null for a root'),
    path: z.string().describe('Labels from the root on, such as /installed/updated'),
    depth: z.int().describe('0 for a root'),
    current: z.boolean().describe('Whether the machine goes on from here: "You are here" is below it'),
    createdAt: z.string().describe('ISO 8601'),
    state: z
      .enum(['stopped', 'running', 'paused'])
      .describe('What the machine is after a revert; stopped for one of disks only too'),
    memory: z.boolean().describe('Whether it holds memory and devices, not disks only'),
    autoProtect: z.boolean().describe('Whether AutoProtect took it, and will delete it in its time'),
    clones: z.array(z.string()).describe('The .vmx of each linked clone that needs it'),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof snapshot>;

export const snapshotDetails = snapshot
  .extend({
    bytes: z.int().describe('What its memory and the layers that only it needs take on the host'),
    engine: z
      .object({
        version: z.string(),
        machineType: z.string(),
        cpu: z.string(),
        accelerator: z.string(),
      })
      .nullable()
      .describe('What the memory was made with and needs to go on; null without memory'),
    disks: z.array(
      z.object({
        slot: z.string(),
        path: z.string(),
        sizeBytes: z.int().nullable(),
        allocatedBytes: z.int().nullable(),
      }),
    ),
    problems: z.array(z.string()).describe('Why it can’t be reverted to; empty when it can'),
  })
  .meta({ id: 'SnapshotDetails' });
export type SnapshotDetails = z.infer<typeof snapshotDetails>;

export const takeSnapshot = z
  .object({
    label: label.optional().describe('By default "Snapshot" and the next number'),
    description: description.optional(),
    diskOnly: z.boolean().default(false).describe('Leave out the memory of a running machine'),
    quiesce: z
      .boolean()
      .default(false)
      .describe('Have the guest agent freeze the file systems; an error if it can’t'),
  })
  .strict()
  .meta({ id: 'TakeSnapshot' });
export type TakeSnapshot = z.output<typeof takeSnapshot>;

export const takenSnapshot = snapshot
  .extend({
    stoppedMs: z.number().nullable().describe('How long the guest stood still; null when it did not run'),
    notes: z.array(z.string()).describe('What is odd, though it was done as asked'),
  })
  .meta({ id: 'TakenSnapshot' });
export type TakenSnapshot = z.infer<typeof takenSnapshot>;

export const editSnapshot = z
  .object({ label: label.optional(), description: description.optional() })
  .strict()
  .refine((edit) => edit.label !== undefined || edit.description !== undefined, {
    message: 'label or description is needed',
  })
  .meta({ id: 'EditSnapshot' });
export type EditSnapshot = z.output<typeof editSnapshot>;

export const deletedSnapshots = z
  .object({
    deleted: z.array(z.string()).describe('Their labels'),
    bytesFreed: z.int().describe('On the host; below 0 when merging made a layer larger'),
    notes: z.array(z.string()).describe('What is left to do, though the snapshots are deleted'),
  })
  .meta({ id: 'DeletedSnapshots' });
export type DeletedSnapshots = z.infer<typeof deletedSnapshots>;

export const revertSnapshot = z
  .object({
    start: z
      .boolean()
      .default(true)
      .describe('false leaves a machine whose memory was taken suspended; kame start goes on from there'),
    ...startMachine.pick({ wait: true, timeoutMs: true }).shape,
  })
  .strict()
  .meta({ id: 'RevertSnapshot' });
export type RevertSnapshot = z.output<typeof revertSnapshot>;

export const revertedMachine = machine
  .extend({ snapshot: z.string().describe('Its label'), notes: z.array(z.string()) })
  .meta({ id: 'RevertedMachine' });
export type RevertedMachine = z.infer<typeof revertedMachine>;

export const suspendedMachine = machine
  .extend({
    stateBytes: z.int().describe('What memory and devices take on the host'),
    tookMs: z.number(),
  })
  .meta({ id: 'SuspendedMachine' });
export type SuspendedMachine = z.infer<typeof suspendedMachine>;

export const cloneKind = z.enum(cloneKinds).meta({ id: 'CloneKind' });
export type CloneKind = z.infer<typeof cloneKind>;

export const cloneMachine = z
  .object({
    name: z.string().describe('With a count above 1 the clones are NAME-1, NAME-2 and so on'),
    kind: cloneKind.describe(
      'full: own disks; linked: disks that build on the source’s; instant: a running copy of a running machine',
    ),
    snapshot: z.string().max(4096).optional().describe('Clone this state and not the present one'),
    count: z.int().min(1).max(maxClones).default(1),
    start: z.boolean().default(false).describe('Instant clones always run'),
    keepIdentity: z
      .boolean()
      .default(false)
      .describe('Keep what the guest knows itself by: MAC, UUID, hostname, machine-id, SSH host keys'),
    ...startMachine.pick({ wait: true, timeoutMs: true }).shape,
  })
  .strict()
  .meta({ id: 'CloneMachine' });
export type CloneMachine = z.output<typeof cloneMachine>;

export const clonedMachines = z
  .object({
    machines: z.array(machine),
    stoppedMs: z.number().nullable().describe('How long the source stood still; null when it did not run'),
    agentMs: z
      .array(z.number().nullable())
      .describe('For each machine, from the request until its guest agent’s first reply'),
    notes: z.array(z.string()),
  })
  .meta({ id: 'ClonedMachines' });
export type ClonedMachines = z.infer<typeof clonedMachines>;

export const machineDisk = disk
  .extend({
    layers: z
      .array(z.object({ path: z.string(), allocatedBytes: z.int().nullable() }))
      .describe('The files its content lies in: the disk itself, then what it builds on'),
    problem: z.string().nullable().describe('Why it can’t be used; null when it can'),
  })
  .meta({ id: 'MachineDisk' });
export type MachineDisk = z.infer<typeof machineDisk>;

export const addDisk = z
  .object({
    sizeBytes: z.int().min(1),
    slot: z.string().max(64).optional().describe('Such as nvme0:1; by default the next free one'),
  })
  .strict()
  .meta({ id: 'AddDisk' });
export type AddDisk = z.output<typeof addDisk>;

export const growDisk = z
  .object({ sizeBytes: z.int().min(1).describe('The new size, not less than the present one') })
  .strict()
  .meta({ id: 'GrowDisk' });
export type GrowDisk = z.output<typeof growDisk>;

export const compactedDisk = machineDisk
  .extend({ bytesFreed: z.int().describe('On the host') })
  .meta({ id: 'CompactedDisk' });
export type CompactedDisk = z.infer<typeof compactedDisk>;

export const checkDisk = z
  .object({ repair: z.boolean().default(false) })
  .strict()
  .meta({ id: 'CheckDisk' });
export type CheckDisk = z.output<typeof checkDisk>;

export const checkedDisks = z
  .object({
    ok: z.boolean().describe('Whether nothing is wrong that was not repaired'),
    layers: z.array(
      z.object({
        slot: z.string(),
        path: z.string(),
        ok: z.boolean(),
        corruptions: z.int(),
        leaks: z.int().describe('Clusters that are taken for nothing; they cost only space'),
        repaired: z.int(),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: 'CheckedDisks' });
export type CheckedDisks = z.infer<typeof checkedDisks>;

export const removedDisk = z
  .object({
    slot: z.string(),
    path: z.string(),
    fileKept: z.boolean().describe('Whether its file is still there'),
  })
  .meta({ id: 'RemovedDisk' });
export type RemovedDisk = z.infer<typeof removedDisk>;

export const autoProtectEvery = z.enum(autoProtectPeriods).meta({ id: 'AutoProtectEvery' });
export type AutoProtectEvery = z.infer<typeof autoProtectEvery>;

export const setAutoProtect = z
  .object({
    enabled: z.boolean(),
    every: autoProtectEvery.optional().describe('Of the time the machine runs; as it was, else 1d'),
    keep: z.int().min(1).max(maxAutoProtectKeep).optional().describe('As it was, else 3'),
  })
  .strict()
  .meta({ id: 'SetAutoProtect' });
export type SetAutoProtect = z.output<typeof setAutoProtect>;

export const autoProtect = z
  .object({
    enabled: z.boolean(),
    every: autoProtectEvery,
    keep: z.int().describe('How many of its snapshots are kept at most'),
    snapshots: z.int().describe('How many there are'),
    nextInMs: z.number().nullable().describe('How long the machine has yet to run until the next one'),
  })
  .meta({ id: 'AutoProtect' });
export type AutoProtect = z.infer<typeof autoProtect>;
