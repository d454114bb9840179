import * as z from 'zod';
import { errorBody } from './messages.ts';

/** Shapes of the clipboard that a guest shares with the host. */

const type = z
  .string()
  .max(128)
  .regex(/^[\w.+-]+\/[\w.+-]+$/)
  .describe('MIME type, such as text/plain (always UTF-8) or image/png');

export const clipboardStatus = z
  .object({
    agent: z.boolean().describe('Whether a program in the guest shares the clipboard'),
    owner: z.enum(['guest', 'host', 'none']).describe('Who has put the content there'),
    types: z.array(z.string()).describe('MIME types that it can be read as, the preferred one first'),
  })
  .meta({ id: 'ClipboardStatus' });
export type ClipboardStatus = z.infer<typeof clipboardStatus>;

/** The first message of `clipboard.get`. */
export const getClipboard = z
  .strictObject({ type: type.optional().describe('Default: text/plain if it has that, else its first type') })
  .meta({ id: 'GetClipboard' });
export type GetClipboard = z.output<typeof getClipboard>;

/** What `clipboard.get` sends as text, before and after the content. */
export const clipboardMessage = z
  .union([
    z.object({
      type: z.literal('content'),
      contentType: z.string().describe('MIME type'),
      sizeBytes: z.int(),
    }),
    z.object({ type: z.literal('end') }),
    z.object({ type: z.literal('error'), error: errorBody }),
  ])
  .meta({ id: 'ClipboardMessage' });
export type ClipboardMessage = z.infer<typeof clipboardMessage>;

/** The first message of `clipboard.set`. */
export const setClipboard = z
  .strictObject({
    type: type.default('text/plain'),
    sizeBytes: z.int().min(0).optional().describe('If known: content that is too large is refused at once'),
  })
  .meta({ id: 'SetClipboard' });
export type SetClipboard = z.output<typeof setClipboard>;

export const clipboardSet = z
  .union([
    z.object({ type: z.literal('set'), sizeBytes: z.int() }),
    z.object({ type: z.literal('error'), error: errorBody }),
  ])
  .meta({ id: 'ClipboardSet' });
export type ClipboardSet = z.infer<typeof clipboardSet>;
