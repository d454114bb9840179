import type { Progress } from '../../core/progress.ts';
import type { Disk } from '../../disk/format/disk.ts';
import type { VmdkFacts } from '../../disk/vmdk/descriptor-text.ts';
import type { WrittenDisk } from '../../disk/vmdk/written-disk.ts';
import type { PortableConfig } from './config.ts';

/** A disk to export: what the guest sees of it, and what its file says. */
export interface ExportDisk {
  readonly slot: string;
  readonly disk: Disk;
  readonly facts: VmdkFacts;
}

/** What is written, wherever that is. */
export interface ExportJob {
  /** Name of the machine. */
  readonly name: string;
  /** What the names of files begin with. */
  readonly stem: string;
  readonly portable: PortableConfig;
  readonly disks: readonly ExportDisk[];
  readonly progress: Progress;
}

/** A disk that was written, in the order of the job. */
export type DoneDisk = ExportDisk & WrittenDisk;
