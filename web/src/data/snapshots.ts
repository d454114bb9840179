import { routes } from '../../../src/api/generated/routes.ts';
import type { AutoProtect, Snapshot, SnapshotDetails } from '../../../src/api/generated/shapes.ts';
import { pathOf } from '../../../src/api/route.ts';
import { client } from './client.ts';
import { useOfMachine } from './of-machine.ts';

/** The snapshots of a machine, parents before their children. */
export function useSnapshots(id: string): { snapshots: readonly Snapshot[] | undefined; error: unknown } {
  const { data, error } = useOfMachine(
    id,
    ['snapshots'],
    async (signal) => await client.snapshots.list(id, { signal }),
  );
  return { snapshots: data, error };
}

/** What a snapshot takes on the disk, and why it cannot be reverted to. */
export function useSnapshotDetails(id: string, uid: number): SnapshotDetails | undefined {
  return useOfMachine(
    id,
    ['snapshots', uid],
    async (signal) => await client.snapshots.show(id, `#${uid}`, { signal }),
  ).data;
}

export function useAutoProtect(id: string): AutoProtect | undefined {
  return useOfMachine(id, ['autoprotect'], async (signal) => await client.autoProtect.show(id, { signal }))
    .data;
}

/** The address of the picture that was kept with a snapshot. */
export function snapshotPicture(id: string, uid: number): string {
  return pathOf(routes['snapshots.screenshot'], { machine: id, snapshot: `#${uid}` });
}
