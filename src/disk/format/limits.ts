/** Largest virtual size that is made or accepted: 64 TiB. */
export const maxVirtualSize = 64 * 1024 ** 4;
