/** The widths that X11 can set are multiples of this; its agent rounds others down (spice-vdagent). */
export const widthStep = 8;

export interface DisplaySize {
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** Whether a display is as near to a wanted size as X11 lets it be. */
export function isRounded(size: DisplaySize, wanted: DisplaySize): boolean {
  return size.height === wanted.height && size.width === wanted.width - (wanted.width % widthStep);
}
