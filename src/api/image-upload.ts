import * as z from 'zod';
import { image } from './messages.ts';

/** Shapes of the upload of an image file. */

export const uploadImage = z
  .strictObject({
    name: z.string().min(1).max(255).describe('The name of the file; the image is named after it'),
    sizeBytes: z.int().min(1).describe('The size of the file'),
    modifiedMs: z
      .int()
      .min(0)
      .default(0)
      .describe(
        'When it was changed, in milliseconds since 1970: an upload that broke off goes on only with the same file',
      ),
  })
  .meta({ id: 'UploadImage' });
export type UploadImage = z.output<typeof uploadImage>;

/** A message of the server during an upload. */
export const uploadMessage = z
  .union([
    z.object({
      type: z.literal('ready'),
      offset: z.int().describe('How many bytes are there already. Send those that follow'),
    }),
    z.object({ type: z.literal('progress'), bytes: z.int().describe('How many are there now') }),
    z.object({ type: z.literal('importing'), stage: z.string() }),
    z.object({ type: z.literal('end'), image }),
  ])
  .meta({ id: 'UploadMessage' });
export type UploadMessage = z.infer<typeof uploadMessage>;
