/** A disk of a snapshot: the file that the snapshot made read-only. */
export interface SnapshotDisk {
  /** Where the disk is attached: `scsi0:0`. */
  readonly slot: string;
  /** As written, usually relative to the folder of the machine. Untrusted: check it before opening the file. */
  readonly fileName: string;
  /** `persistent`, `independent-persistent` and so on, if the file has it. */
  readonly mode?: string;
}

/** A snapshot, as described in the `.vmsd`. */
export interface Snapshot {
  /** 1 to 2147483647, never reused in this machine. */
  readonly uid: number;
  /** The uid of the snapshot it was taken after, or null for a root. */
  readonly parent: number | null;
  /** Untrusted: may be empty or not unique, and may contain any character. */
  readonly displayName: string;
  readonly description: string;
  /** True if it includes memory (`type` 1), false if only disks (`type` 0 or missing). */
  readonly withMemory: boolean;
  readonly createdAt: Date;
  /** The `.vmsn`. Untrusted, like the file names of disks. */
  readonly fileName: string;
  readonly disks: readonly SnapshotDisk[];
  /** Paths of the .vmx files of its linked clones. VMware never removes an entry, so some may no longer exist. */
  readonly clones: readonly string[];
  /** The uids of the AutoProtect tiers it was taken for; empty if a person took it or chose to keep it. */
  readonly tiers: readonly number[];
}

/** One tier of AutoProtect: a snapshot every `interval` seconds, of which the newest `maximum` are kept. */
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
  // Keys of VMware with unknown meaning: kept, but never set by Kame.
  readonly baseTier?: number;
  readonly baseTierInterval?: number;
  readonly baseTierSnapshotCount?: number;
  readonly clientFlags?: number;
  readonly live?: boolean;
}

/** A machine that a `.vmsd` names by the path of its `.vmx`. The UUID still identifies it after it was moved. */
export interface RelatedMachine {
  readonly path: string;
  readonly uuid: string;
}

/**
 * A file of a parent that the disks of a linked clone build on, as it was when the clone was made or repaired. A later
 * change of the file would change what the clone reads.
 */
export interface BaseFile {
  readonly path: string;
  /** Device and inode, `DEV:INO` in decimal. */
  readonly file: string;
  /** In bytes, in decimal. */
  readonly size: string;
  /** When it was last written, in nanoseconds since 1970, in decimal. */
  readonly time: string;
}

/** The content of a `.vmsd`. */
export interface SnapshotTree {
  /** The uid of the snapshot from which the present state of the machine derives, or null. */
  readonly current: number | null;
  /** The highest uid ever assigned, including deleted snapshots. */
  readonly lastUid: number;
  /** In file order. */
  readonly snapshots: readonly Snapshot[];
  /** True when an interrupted deletion left disks behind. */
  readonly needConsolidate: boolean;
  readonly rollingTiers: readonly RollingTier[];
  /** The .vmx files of the machines of which this one is a linked clone. */
  readonly cloneOf: readonly string[];
  /** The disks of those machines that this one needs. */
  readonly sentinels: readonly string[];
  /** Kame’s own: the UUIDs of the parents and of the linked clones, where they are known. */
  readonly related: readonly RelatedMachine[];
  /** Kame’s own: the files of the parents that this machine needs. */
  readonly bases: readonly BaseFile[];
  /** The maximum number of snapshots that VMware allows, if the file has it. */
  readonly maxSnapshots?: number;
}

/** A problem in a `.vmsd`, described for people. */
export interface SnapshotProblem {
  readonly key: string;
  readonly message: string;
  /** The uid of the affected snapshot, or null. */
  readonly uid: number | null;
}

/**
 * The most that is read from one file. VMware’s products allow about 100 snapshots per machine; integers in the format
 * have 32 bits.
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
  related: [],
  bases: [],
};
