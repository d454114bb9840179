/** A disk of a snapshot: the file that the snapshot froze. */
export interface SnapshotDisk {
  /** Where the disk is attached: `scsi0:0`. */
  readonly slot: string;
  /** As it is written: mostly relative to the machine’s folder. It comes from outside; whoever opens it checks it. */
  readonly fileName: string;
  /** `persistent`, `independent-persistent` and so on, where the file says it. */
  readonly mode?: string;
}

/** A snapshot as the `.vmsd` describes it. */
export interface Snapshot {
  /** 1 to 2147483647, never used again in this machine. */
  readonly uid: number;
  /** The uid of the snapshot it was taken after, or null at a root. */
  readonly parent: number | null;
  /** From outside: not always unique, possibly empty, of any characters. */
  readonly displayName: string;
  readonly description: string;
  /** True for one with memory (`type` 1), false for disks alone (`type` 0 or none). */
  readonly withMemory: boolean;
  readonly createdAt: Date;
  /** The `.vmsn`. Like the names of disks it is from outside. */
  readonly fileName: string;
  readonly disks: readonly SnapshotDisk[];
  /** Paths of the .vmx of its linked clones. VMware never takes one out, so some may be gone. */
  readonly clones: readonly string[];
  /** The uids of the AutoProtect tiers it was taken for; empty for one that a person took or keeps. */
  readonly tiers: readonly number[];
}

/** One tier of AutoProtect: a snapshot every `interval` seconds, of which the newest `maximum` stay. */
export interface RollingTier {
  /** 1 to 2147483647. */
  readonly uid: number;
  /** Seconds of powered-on time. */
  readonly interval: number;
  readonly maximum: number;
  /** Seconds of powered-on time since the last snapshot of this tier. */
  readonly timeSinceLast: number;
  readonly displayName: string;
  readonly description: string;
  // VMware’s own, of unknown meaning: kept, and never written by Kame itself.
  readonly baseTier?: number;
  readonly baseTierInterval?: number;
  readonly baseTierSnapshotCount?: number;
  readonly clientFlags?: number;
  readonly live?: boolean;
}

/** What a `.vmsd` says. */
export interface SnapshotTree {
  /** The snapshot that the machine’s present state comes from, or null. */
  readonly current: number | null;
  /** The highest uid ever given, those that were deleted included. */
  readonly lastUid: number;
  /** In the order of the file. */
  readonly snapshots: readonly Snapshot[];
  /** True when disks were left over by a deletion that did not end. */
  readonly needConsolidate: boolean;
  readonly rollingTiers: readonly RollingTier[];
  /** The .vmx of the machines that this one is a linked clone of. */
  readonly cloneOf: readonly string[];
  /** The disks of those machines that this one needs. */
  readonly sentinels: readonly string[];
  /** How many snapshots VMware lets the machine have, where the file says it. */
  readonly maxSnapshots?: number;
}

/** Something odd in a `.vmsd`, in words for a person. */
export interface SnapshotProblem {
  readonly key: string;
  readonly message: string;
  /** The snapshot of the tree that it is about, or null. */
  readonly uid: number | null;
}

/**
 * What is read of one file. VMware’s products stop at about 100 snapshots of a machine; 32-bit integers are the
 * format’s own.
 */
export const snapshotLimits = { snapshots: 1000, rollingTiers: 64, integer: 0x7fffffff } as const;

/** The tree of a machine without snapshots. */
export const emptyTree: SnapshotTree = {
  current: null,
  lastUid: 0,
  snapshots: [],
  needConsolidate: false,
  rollingTiers: [],
  cloneOf: [],
  sentinels: [],
};
