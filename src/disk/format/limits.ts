/** The largest virtual size of a disk: 64 TiB. */
export const maxVirtualSize = 64 * 1024 ** 4;
