import * as z from 'zod';

/** A path in a guest. */
export const guestPath = z
  .string()
  .max(4095)
  .refine((path) => !path.includes('\0'), { error: 'A path cannot contain a NUL character' });

export const putFiles = z
  .strictObject({
    path: guestPath.describe(
      'Where the files go in the guest, relative to the home of root. Into it, if it is a directory; otherwise it is the new name of the one entry of the archive',
    ),
    directory: z.boolean().default(false).describe('Fail unless the path is a directory'),
  })
  .meta({ id: 'PutFiles' });
export type PutFiles = z.output<typeof putFiles>;

/** A message of the server while files are copied into a guest. */
export const putMessage = z
  .union([
    z.object({ type: z.literal('progress'), bytes: z.int().describe('Of the archive, that the guest has') }),
    z.object({ type: z.literal('waiting'), stage: z.string().describe('What the copy waits for') }),
    z.object({ type: z.literal('end'), files: z.int(), bytes: z.int().describe('In the files') }),
  ])
  .meta({ id: 'PutMessage' });
export type PutMessage = z.infer<typeof putMessage>;

export const dropFiles = z.strictObject({}).meta({ id: 'DropFiles' });

export const droppedPlace = z
  .object({
    name: z.string(),
    path: z.string().nullable().describe('Where it is in the guest; null if the guest does not tell'),
  })
  .meta({ id: 'DroppedPlace' });
export type DroppedPlace = z.infer<typeof droppedPlace>;

/** A message of the server while files are dropped into a session. */
export const dropMessage = z
  .union([
    z.object({ type: z.literal('progress'), bytes: z.int().describe('Of the archive, that were read') }),
    z.object({ type: z.literal('end'), files: z.array(droppedPlace) }),
  ])
  .meta({ id: 'DropMessage' });
export type DropMessage = z.infer<typeof dropMessage>;

export const getFiles = z
  .strictObject({
    path: guestPath.describe('A file or directory in the guest, relative to the home of root'),
  })
  .meta({ id: 'GetFiles' });
export type GetFiles = z.output<typeof getFiles>;

/** A text message of the server while files are copied out of a guest. */
export const getMessage = z
  .union([
    z.object({ type: z.literal('waiting'), stage: z.string().describe('What the copy waits for') }),
    z.object({ type: z.literal('end'), bytes: z.int().describe('Of the archive') }),
  ])
  .meta({ id: 'GetMessage' });
export type GetMessage = z.infer<typeof getMessage>;
