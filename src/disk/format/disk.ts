/** A range of bytes of a disk. */
export interface DiskBlock {
  /** In bytes from the start of the disk. */
  readonly offset: number;
  readonly data: Buffer;
}

/**
 * A disk as a stream: its size, and the blocks that may contain data other than zeros, in ascending order, each at most
 * `blockSize` long. Transformations of disks wrap another Disk.
 */
export interface Disk extends AsyncDisposable {
  /** Size of the disk in the guest, in bytes. */
  readonly size: number;
  readonly blockSize: number;
  /** The most bytes in all blocks together, as far as known in advance. */
  readonly estimate: number;
  blocks(): AsyncGenerator<DiskBlock>;
}
