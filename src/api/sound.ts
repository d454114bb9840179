import * as z from 'zod';
import { errorBody } from './messages.ts';

/** Shapes of the sound of a guest. */

/** So that a recording fits into a WAV file, whose size is a number of 32 bits. */
const maxDurationMs = 6 * 3600 * 1000;

export const recordSound = z
  .strictObject({
    durationMs: z.int().min(1).max(maxDurationMs).default(maxDurationMs).describe('When the recording ends'),
  })
  .meta({ id: 'RecordSound' });
export type RecordSound = z.output<typeof recordSound>;

export const soundFormat = z
  .object({
    type: z.literal('format'),
    rate: z.int().describe('Frames a second'),
    channels: z.int(),
    sampleBits: z.int().describe('Signed, little endian'),
  })
  .meta({ id: 'SoundFormat', description: 'The first message' });

export const soundEnd = z
  .object({
    type: z.literal('end'),
    reason: z.enum(['stopped', 'time', 'engine']).describe('Why the recording has ended'),
    frames: z.int().describe('Length of the recording'),
    silent: z.int().describe('Frames of silence in it'),
    dropped: z.int().describe('Frames that became silence because the client did not read fast enough'),
  })
  .meta({ id: 'SoundEnd' });
export type SoundEnd = z.infer<typeof soundEnd>;

export const soundMessage = z
  .union([
    soundFormat,
    z.object({
      type: z.literal('silence'),
      frames: z.int().describe('The guest played nothing: so many frames of zeros belong here'),
    }),
    soundEnd,
    z.object({ type: z.literal('error'), error: errorBody }),
  ])
  .meta({ id: 'SoundMessage' });
export type SoundMessage = z.infer<typeof soundMessage>;
