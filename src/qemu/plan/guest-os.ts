/** Whether a VMware guest OS id means Windows: `windows9-64`, `arm-windows11-64`, `winXPPro`, but not `darwin22-64`. */
export function isWindows(guestOS: string): boolean {
  return /^(arm-)?win/i.test(guestOS);
}
