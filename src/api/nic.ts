import * as z from 'zod';
import { shapeLimits } from '../model/link-shape.ts';

/** Shapes of network adapters. */

const { kilobits, lossPerMille, latencyMs } = shapeLimits;

const bitsPerSecond = z
  .int()
  .min(kilobits.min * 1000)
  .max(kilobits.max * 1000)
  .multipleOf(1000)
  .nullable()
  .describe('Limit in bits a second, a multiple of 1000; null without a limit');
const loss = z
  .int()
  .min(lossPerMille.min)
  .max(lossPerMille.max)
  .describe('Thousandths of the frames that are lost');
const latency = z.int().min(latencyMs.min).max(latencyMs.max).describe('Milliseconds that each frame waits');

const direction = z
  .object({ bitsPerSecond, lossPerMille: loss, latencyMs: latency })
  .meta({ id: 'DirectionShape' });

const changedDirection = z
  .strictObject({
    bitsPerSecond: bitsPerSecond.optional(),
    lossPerMille: loss.optional(),
    latencyMs: latency.optional(),
  })
  .meta({ id: 'ChangeDirectionShape' });

export const machineNic = z
  .object({
    index: z.int().describe('N of ethernetN'),
    model: z.string().describe('Device that the guest sees, such as virtio-net'),
    mac: z.string(),
    network: z
      .string()
      .describe('nat, hostonly, bridged, the name of a network, or segment:ID for a LAN segment'),
    connected: z.boolean().describe('Whether the cable is in'),
    receive: direction,
    transmit: direction,
    removable: z
      .boolean()
      .describe('Whether it can be removed while the machine runs: only an adapter that was added like that'),
  })
  .meta({ id: 'MachineNic' });
export type MachineNic = z.infer<typeof machineNic>;

const network = z
  .string()
  .max(256)
  .describe('nat, hostonly, bridged, segment:ID for a LAN segment, or the name of a network');

export const addNic = z
  .strictObject({
    network: network.default('nat'),
    model: z.string().max(64).optional().describe('Default: as for a new machine of that guest system'),
    mac: z.string().max(32).optional().describe('Default: generated from the UUID of the machine'),
  })
  .meta({ id: 'AddNic' });
export type AddNic = z.output<typeof addNic>;

export const setNic = z
  .strictObject({
    network: network.optional(),
    connected: z.boolean().optional().describe('False pulls the cable'),
    receive: changedDirection.optional().describe('Traffic to the guest'),
    transmit: changedDirection.optional().describe('Traffic from the guest'),
  })
  .meta({ id: 'SetNic' });
export type SetNic = z.output<typeof setNic>;

/** The first message of a capture. */
export const captureRequest = z
  .strictObject({
    nic: z.int().min(0).max(9).default(0),
    maxBytes: z
      .int()
      .min(1024)
      .optional()
      .describe('The capture ends before the file becomes larger; default: no limit'),
  })
  .meta({ id: 'CaptureRequest' });
export type CaptureRequest = z.output<typeof captureRequest>;

export const captureEnd = z
  .object({
    type: z.literal('end'),
    reason: z
      .enum(['stopped', 'size', 'engine'])
      .describe(
        'The client ended it, the limit was reached, or the machine has stopped or the adapter is gone',
      ),
    frames: z.int(),
    bytes: z.int().describe('Size of the file'),
    dropped: z.int().describe('Frames that are missing because the client did not read fast enough'),
  })
  .meta({ id: 'CaptureEnd' });
export type CaptureEnd = z.infer<typeof captureEnd>;
