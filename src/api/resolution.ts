import * as z from 'zod';

/** Shapes of the size of a display. */

/** The largest that the engine's VNC server shows, VNC_MAX_WIDTH and VNC_MAX_HEIGHT in its ui/vnc.h. */
const [maxWidth, maxHeight] = [5120, 2160];
const min = 64;

const pixels = { width: z.int().describe('In pixels'), height: z.int() };

export const resolution = z.object(pixels).meta({ id: 'Resolution' });
export type Resolution = z.infer<typeof resolution>;

export const setResolution = z
  .strictObject({
    width: z.int().min(min).max(maxWidth),
    height: z.int().min(min).max(maxHeight),
    timeoutMs: z.int().min(1).max(600_000).default(20_000).describe('How long the guest may take to follow'),
  })
  .meta({ id: 'SetResolution' });
export type SetResolution = z.output<typeof setResolution>;

export const resolutionChange = z
  .object({
    ...pixels,
    wanted: z.object(pixels),
    reached: z.boolean().describe('Whether the display has the wanted size'),
  })
  .meta({ id: 'ResolutionChange' });
export type ResolutionChange = z.infer<typeof resolutionChange>;
