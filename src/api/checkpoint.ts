import * as z from 'zod';
import { autoProtectPeriods, cloneKinds, maxAutoProtectKeep, maxClones } from './limits.ts';
import { disk, machine, startMachine } from './machine.ts';

/** Shapes of snapshots, suspended machines, clones and disks that the API sends and `kame … --json` prints. */

/** The label of a snapshot: one line of text. */
const label = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'must not contain control characters');
const description = z.string().max(16_384);

export const snapshot = z
  .object({
    uid: z.int().describe('Number in the .vmsd, never reused'),
    label: z.string(),
    description: z.string(),
    parent: z.int().nullable().describe('uid of the parent snapshot; null for a root'),
    path: z.string().describe('Labels from the root, such as /installed/updated'),
    depth: z.int().describe('0 for a root'),
    current: z.boolean().describe('Whether the machine continues from here: "You are here" is below it'),
    createdAt: z.string().describe('ISO 8601'),
    state: z
      .enum(['stopped', 'running', 'paused'])
      .describe('State of the machine after a revert; stopped if only the disks were taken'),
    memory: z.boolean().describe('Whether it contains memory and device state as well as disks'),
    screen: z.boolean().describe('Whether a picture of the display was kept with it'),
    autoProtect: z.boolean().describe('Whether AutoProtect took it and will delete it'),
    clones: z.array(z.string()).describe('The .vmx of each linked clone that depends on it'),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof snapshot>;

export const snapshotDetails = snapshot
  .extend({
    bytes: z.int().describe('Space on the host of its memory and of the layers that only it needs'),
    engine: z
      .object({
        version: z.string(),
        machineType: z.string(),
        cpu: z.string(),
        accelerator: z.string(),
      })
      .nullable()
      .describe('The engine that saved the memory and is required to resume it; null without memory'),
    disks: z.array(
      z.object({
        slot: z.string(),
        path: z.string(),
        sizeBytes: z.int().nullable(),
        allocatedBytes: z.int().nullable(),
      }),
    ),
    problems: z.array(z.string()).describe('Why a revert is not possible; empty if it is'),
  })
  .meta({ id: 'SnapshotDetails' });
export type SnapshotDetails = z.infer<typeof snapshotDetails>;

export const takeSnapshot = z
  .object({
    label: label.optional().describe('Default: "Snapshot" and the next number'),
    description: description.optional(),
    diskOnly: z.boolean().default(false).describe('Leave out the memory of a running machine'),
    quiesce: z
      .boolean()
      .default(false)
      .describe('Have the guest agent freeze the file systems; an error if that is not possible'),
  })
  .strict()
  .meta({ id: 'TakeSnapshot' });
export type TakeSnapshot = z.output<typeof takeSnapshot>;

export const takenSnapshot = snapshot
  .extend({
    stoppedMs: z.number().nullable().describe('How long the guest was paused; null if it was not running'),
    notes: z.array(z.string()).describe('Remarks on an operation that succeeded'),
  })
  .meta({ id: 'TakenSnapshot' });
export type TakenSnapshot = z.infer<typeof takenSnapshot>;

export const editSnapshot = z
  .object({ label: label.optional(), description: description.optional() })
  .strict()
  .refine((edit) => edit.label !== undefined || edit.description !== undefined, {
    message: 'label or description is required',
  })
  .meta({ id: 'EditSnapshot' });
export type EditSnapshot = z.output<typeof editSnapshot>;

export const deletedSnapshots = z
  .object({
    deleted: z.array(z.string()).describe('Labels of the snapshots that were deleted'),
    bytesFreed: z.int().describe('On the host; negative if merging made a layer larger'),
    notes: z.array(z.string()).describe('What remains to be done, although the snapshots were deleted'),
  })
  .meta({ id: 'DeletedSnapshots' });
export type DeletedSnapshots = z.infer<typeof deletedSnapshots>;

export const revertSnapshot = z
  .object({
    start: z
      .boolean()
      .default(true)
      .describe('false leaves the machine suspended if the snapshot has memory; a start resumes it'),
    ...startMachine.pick({ wait: true, timeoutMs: true }).shape,
  })
  .strict()
  .meta({ id: 'RevertSnapshot' });
export type RevertSnapshot = z.output<typeof revertSnapshot>;

export const revertedMachine = machine
  .extend({ snapshot: z.string().describe('Label of the snapshot'), notes: z.array(z.string()) })
  .meta({ id: 'RevertedMachine' });
export type RevertedMachine = z.infer<typeof revertedMachine>;

export const suspendedMachine = machine
  .extend({
    stateBytes: z.int().describe('Space that memory and device state take on the host'),
    tookMs: z.number(),
  })
  .meta({ id: 'SuspendedMachine' });
export type SuspendedMachine = z.infer<typeof suspendedMachine>;

export const cloneKind = z.enum(cloneKinds).meta({ id: 'CloneKind' });
export type CloneKind = z.infer<typeof cloneKind>;

export const cloneMachine = z
  .object({
    name: z.string().describe('With a count above 1, the clones are named NAME-1, NAME-2 and so on'),
    kind: cloneKind.describe(
      'full: copies of the disks; linked: disks based on those of the source; instant: a running copy of a running machine',
    ),
    snapshot: z.string().max(4096).optional().describe('The snapshot to clone; default: the current state'),
    count: z.int().min(1).max(maxClones).default(1),
    start: z.boolean().default(false).describe('Start the clones; instant clones always run'),
    keepIdentity: z
      .boolean()
      .default(false)
      .describe('Keep the identity of the source: MAC address, UUID, hostname, machine-id, SSH host keys'),
    ...startMachine.pick({ wait: true, timeoutMs: true }).shape,
  })
  .strict()
  .meta({ id: 'CloneMachine' });
export type CloneMachine = z.output<typeof cloneMachine>;

export const clonedMachines = z
  .object({
    machines: z.array(machine),
    stoppedMs: z.number().nullable().describe('How long the source was paused; null if it was not running'),
    agentMs: z
      .array(z.number().nullable())
      .describe('For each machine, time from the request to the first reply of its guest agent'),
    notes: z.array(z.string()),
  })
  .meta({ id: 'ClonedMachines' });
export type ClonedMachines = z.infer<typeof clonedMachines>;

export const machineDisk = disk
  .extend({
    layers: z
      .array(z.object({ path: z.string(), allocatedBytes: z.int().nullable() }))
      .describe('Files that store its content: the top layer, then its backing files'),
    problem: z.string().nullable().describe('Why the disk cannot be used; null if it can'),
  })
  .meta({ id: 'MachineDisk' });
export type MachineDisk = z.infer<typeof machineDisk>;

export const addDisk = z
  .object({
    sizeBytes: z.int().min(1),
    slot: z.string().max(64).optional().describe('Such as nvme0:1; default: the next free slot'),
  })
  .strict()
  .meta({ id: 'AddDisk' });
export type AddDisk = z.output<typeof addDisk>;

export const growDisk = z
  .object({ sizeBytes: z.int().min(1).describe('The new size, not less than the present size') })
  .strict()
  .meta({ id: 'GrowDisk' });
export type GrowDisk = z.output<typeof growDisk>;

export const grownDisk = machineDisk
  .extend({
    bytesAdded: z.int().describe('0 if the disk had that size already'),
    notes: z.array(z.string()).describe('Remarks on an operation that succeeded'),
  })
  .meta({ id: 'GrownDisk' });
export type GrownDisk = z.infer<typeof grownDisk>;

export const compactedDisk = machineDisk
  .extend({ bytesFreed: z.int().describe('Space freed on the host') })
  .meta({ id: 'CompactedDisk' });
export type CompactedDisk = z.infer<typeof compactedDisk>;

export const checkDisk = z
  .object({ repair: z.boolean().default(false) })
  .strict()
  .meta({ id: 'CheckDisk' });
export type CheckDisk = z.output<typeof checkDisk>;

export const checkedDisks = z
  .object({
    ok: z.boolean().describe('Whether no errors remain after repairs'),
    layers: z.array(
      z.object({
        slot: z.string(),
        path: z.string(),
        ok: z.boolean(),
        corruptions: z.int(),
        leaks: z.int().describe('Leaked clusters, which waste space but are harmless'),
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
    fileKept: z.boolean().describe('Whether its file was kept'),
  })
  .meta({ id: 'RemovedDisk' });
export type RemovedDisk = z.infer<typeof removedDisk>;

export const autoProtectEvery = z.enum(autoProtectPeriods).meta({ id: 'AutoProtectEvery' });
export type AutoProtectEvery = z.infer<typeof autoProtectEvery>;

export const setAutoProtect = z
  .object({
    enabled: z.boolean(),
    every: autoProtectEvery
      .optional()
      .describe('Interval, in running time; default: the present setting, else 1d'),
    keep: z
      .int()
      .min(1)
      .max(maxAutoProtectKeep)
      .optional()
      .describe('Number of snapshots to keep; default: the present setting, else 3'),
  })
  .strict()
  .meta({ id: 'SetAutoProtect' });
export type SetAutoProtect = z.output<typeof setAutoProtect>;

export const autoProtect = z
  .object({
    enabled: z.boolean(),
    every: autoProtectEvery,
    keep: z.int().describe('The most snapshots that AutoProtect keeps'),
    snapshots: z.int().describe('Number of AutoProtect snapshots now'),
    nextInMs: z.number().nullable().describe('Running time until the next snapshot'),
  })
  .meta({ id: 'AutoProtect' });
export type AutoProtect = z.infer<typeof autoProtect>;
