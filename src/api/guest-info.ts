import * as z from 'zod';

/** Shapes of the variables that a guest and its host share. */

export const guestInfo = z
  .object({
    variables: z
      .record(z.string(), z.string())
      .describe('By their names in lower case, such as guestinfo.role'),
  })
  .meta({ id: 'GuestInfo' });
export type GuestInfo = z.infer<typeof guestInfo>;

export const setGuestInfo = z
  .strictObject({
    name: z.string().max(200).describe('Such as guestinfo.role'),
    value: z.string().max(65_536),
  })
  .meta({ id: 'SetGuestInfo' });
export type SetGuestInfo = z.output<typeof setGuestInfo>;
