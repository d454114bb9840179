import * as z from 'zod';
import { maxUploadedFiles } from '../model/uploaded-files.ts';

/** Shapes of the upload of a machine, an appliance or a disk that is then imported. */

const uploadId = z
  .string()
  .regex(/^[0-9a-f]{32}$/u)
  .meta({ description: 'The id of an upload', examples: ['0123456789abcdef0123456789abcdef'] });

export const uploadParams = z.object({ upload: uploadId });

export const sendUpload = z
  .strictObject({
    files: z
      .array(
        z.strictObject({
          path: z
            .string()
            .min(1)
            .max(1024)
            .describe('Its name, after the folders that it is in, with slashes between them'),
          sizeBytes: z.int().min(0),
          modifiedMs: z
            .int()
            .min(0)
            .default(0)
            .describe('When it was changed, in milliseconds since 1970: only the same files go on'),
        }),
      )
      .min(1)
      .max(maxUploadedFiles)
      .describe('The files in the order in which their bytes are sent'),
  })
  .meta({ id: 'SendUpload' });
export type SendUpload = z.output<typeof sendUpload>;

/** A message of the server while it receives files. */
export const sendUploadMessage = z
  .union([
    z.object({
      type: z.literal('ready'),
      offset: z.int().describe('How many bytes of all files are there already. Send those that follow'),
    }),
    z.object({ type: z.literal('progress'), bytes: z.int().describe('How many are there now') }),
    z.object({ type: z.literal('end'), path: z.string().describe('The path for machines.import') }),
  ])
  .meta({ id: 'SendUploadMessage' });
export type SendUploadMessage = z.infer<typeof sendUploadMessage>;

export const storedUpload = z
  .object({
    id: uploadId,
    main: z.string().describe('The file that says what all of them are'),
    bytes: z.int().describe('How many are there'),
    sizeBytes: z.int().describe('How many there will be'),
    changedAt: z.string().describe('When the last of them came'),
    path: z.string().nullable().describe('The path for machines.import; null until all bytes are there'),
  })
  .meta({ id: 'StoredUpload' });
export type StoredUploadInfo = z.infer<typeof storedUpload>;
