import * as z from 'zod';
import { guestPath } from './file-transfer.ts';
import { flag } from './parameters.ts';

/** Shapes of the files in a guest, as its kame-tools or its guest agent tell of them. */

/** The user of the guest who does something. */
export const guestUser = z
  .string()
  .min(1)
  .max(256)
  .describe('User of the guest who does this. Default: root. Another one needs kame-tools');

/** A path, relative to the home of the user. */
const path = guestPath.describe('A path in the guest, relative to the home of the user');

export const guestFile = z
  .object({
    name: z
      .string()
      .describe('In a directory; otherwise the path. Bytes that are no UTF-8 are shown as U+FFFD'),
    type: z.enum(['file', 'directory', 'link', 'socket', 'pipe', 'block', 'character', 'other']),
    sizeBytes: z.int(),
    mode: z.int().describe('Permission bits, with set-user-id (2048), set-group-id (1024) and sticky (512)'),
    uid: z.int(),
    gid: z.int(),
    user: z.string(),
    group: z.string(),
    modified: z.string().describe('ISO 8601'),
    target: z.string().nullable().describe('Of a symbolic link'),
  })
  .meta({ id: 'GuestFile' });
export type GuestFile = z.infer<typeof guestFile>;

export const guestDirectory = z
  .object({
    files: z.array(guestFile),
    more: z.boolean().describe('Whether there are more: at most 10,000 are listed'),
  })
  .meta({ id: 'GuestDirectory' });
export type GuestDirectory = z.infer<typeof guestDirectory>;

export const guestPlace = z
  .object({ path: z.string().describe('What was made, removed or renamed') })
  .meta({ id: 'GuestPlace' });
export type GuestPlace = z.infer<typeof guestPlace>;

/** Query of operations that look at a path. */
export const lookAtPath = z.strictObject({ path, user: guestUser.optional() });
export const statPath = lookAtPath.extend({ follow: flag('Of a link, tell about what it leads to') });

export const makeGuestDirectory = z
  .strictObject({
    path,
    parents: z
      .boolean()
      .default(false)
      .describe('Make the directories above it too, and take it as it is if it exists'),
    user: guestUser.optional(),
  })
  .meta({ id: 'MakeGuestDirectory' });

export const removeGuestFile = z
  .strictObject({
    path: path.describe('Links are removed, not followed'),
    recursive: z.boolean().default(false).describe('Remove a directory with all that is in it'),
    directory: z.boolean().default(false).describe('Fail unless it is a directory'),
    user: guestUser.optional(),
  })
  .meta({ id: 'RemoveGuestFile' });

export const renameGuestFile = z
  .strictObject({
    path,
    to: path,
    replace: z.boolean().default(false).describe('Replace a file that has the new name'),
    user: guestUser.optional(),
  })
  .meta({ id: 'RenameGuestFile' });

const affix = z
  .string()
  .max(100)
  .refine((text) => !/[/*\0]/u.test(text), { error: 'It cannot contain a slash, an asterisk or NUL' });

export const makeGuestTemporary = z
  .strictObject({
    path: path.optional().describe('The directory that it is made in. Default: /tmp'),
    directory: z.boolean().default(false).describe('Make a directory instead of a file'),
    prefix: affix.default('kame-').describe('What its name begins with'),
    suffix: affix.default('').describe('What its name ends with, which needs kame-tools'),
    user: guestUser.optional(),
  })
  .meta({ id: 'MakeGuestTemporary' });

export type LookAtPath = z.output<typeof lookAtPath>;
export type StatPath = z.output<typeof statPath>;
export type MakeGuestDirectory = z.output<typeof makeGuestDirectory>;
export type RemoveGuestFile = z.output<typeof removeGuestFile>;
export type RenameGuestFile = z.output<typeof renameGuestFile>;
export type MakeGuestTemporary = z.output<typeof makeGuestTemporary>;
