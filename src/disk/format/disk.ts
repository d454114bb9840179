/** A run of bytes of a disk. */
export interface DiskBlock {
  /** Bytes from the start of the disk. */
  readonly offset: number;
  readonly data: Buffer;
}

/**
 * A disk as a stream: its size, and its blocks that may hold something else than zeros, in ascending order, each at
 * most `blockSize` long. Transformations of disks wrap one of these.
 */
export interface Disk extends AsyncDisposable {
  /** Bytes the guest sees. */
  readonly size: number;
  readonly blockSize: number;
  /** Bytes at most that the blocks hold together, as far as it is known beforehand. */
  readonly estimate: number;
  blocks(): AsyncGenerator<DiskBlock>;
}
