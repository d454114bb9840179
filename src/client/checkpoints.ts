import { paths } from '../api/paths.ts';
import type {
  AddDisk,
  CheckDisk,
  CheckedDisks,
  CompactedDisk,
  DeletedSnapshots,
  EditSnapshot,
  GrowDisk,
  MachineDisk,
  RemovedDisk,
  RevertedMachine,
  RevertSnapshot,
  Snapshot,
  SnapshotDetails,
  TakenSnapshot,
  TakeSnapshot,
} from '../api/checkpoint.ts';
import type { CallOptions, Connection, TaskOptions } from './connection.ts';

/** The snapshots of machines. A snapshot is named by its label, its path such as `/a/b`, or `#` and its uid. */
export class SnapshotCalls {
  readonly #to: Connection;

  constructor(to: Connection) {
    this.#to = to;
  }

  /** Parents come before their children. */
  list(machine: string, options?: CallOptions): Promise<Snapshot[]> {
    return this.#to.json<Snapshot[]>({ method: 'GET', path: paths.snapshots(machine), ...options });
  }

  show(machine: string, snapshot: string, options?: CallOptions): Promise<SnapshotDetails> {
    const path = paths.snapshot(machine, snapshot);
    return this.#to.json<SnapshotDetails>({ method: 'GET', path, ...options });
  }

  take(machine: string, body: TakeSnapshot, options?: TaskOptions): Promise<TakenSnapshot> {
    return this.#to.task<TakenSnapshot>(paths.snapshots(machine), body, options);
  }

  edit(machine: string, snapshot: string, body: EditSnapshot, options?: CallOptions): Promise<Snapshot> {
    const path = paths.snapshot(machine, snapshot);
    return this.#to.json<Snapshot>({ method: 'PATCH', path, body, ...options });
  }

  delete(
    machine: string,
    snapshot: string,
    { children }: { children: boolean },
    options?: TaskOptions,
  ): Promise<DeletedSnapshots> {
    const path = paths.deleteSnapshot(machine, snapshot, children);
    return this.#to.longCall<DeletedSnapshots>({ method: 'DELETE', path }, options);
  }

  revert(
    machine: string,
    snapshot: string,
    body: RevertSnapshot,
    options?: TaskOptions,
  ): Promise<RevertedMachine> {
    return this.#to.task<RevertedMachine>(paths.revert(machine, snapshot), body, options);
  }
}

/** The disks of machines. A disk is named by its slot, such as `nvme0:0`, or the name of its file. */
export class DiskCalls {
  readonly #to: Connection;

  constructor(to: Connection) {
    this.#to = to;
  }

  list(machine: string, options?: CallOptions): Promise<MachineDisk[]> {
    return this.#to.json<MachineDisk[]>({ method: 'GET', path: paths.disks(machine), ...options });
  }

  add(machine: string, body: AddDisk, options?: TaskOptions): Promise<MachineDisk> {
    return this.#to.task<MachineDisk>(paths.disks(machine), body, options);
  }

  grow(machine: string, disk: string, body: GrowDisk, options?: TaskOptions): Promise<MachineDisk> {
    return this.#to.task<MachineDisk>(paths.growDisk(machine, disk), body, options);
  }

  compact(machine: string, disk: string, options?: TaskOptions): Promise<CompactedDisk> {
    return this.#to.task<CompactedDisk>(paths.compactDisk(machine, disk), {}, options);
  }

  /** @param disk null checks all */
  check(machine: string, disk: string | null, body: CheckDisk, options?: TaskOptions): Promise<CheckedDisks> {
    const path = disk === null ? paths.checkDisks(machine) : paths.checkDisk(machine, disk);
    return this.#to.task<CheckedDisks>(path, body, options);
  }

  remove(
    machine: string,
    disk: string,
    { keepFile }: { keepFile: boolean },
    options?: CallOptions,
  ): Promise<RemovedDisk> {
    // No time limit: a large file on a slow disk takes its time.
    const path = paths.removeDisk(machine, disk, keepFile);
    return this.#to.answer<RemovedDisk>({ method: 'DELETE', path, ...options });
  }
}
