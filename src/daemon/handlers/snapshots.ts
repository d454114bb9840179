import type { snapshotOperations } from '../../api/snapshot-operations.ts';
import { autoProtectOf, setAutoProtect } from '../../vm/snapshot/autoprotect.ts';
import { revertSnapshot } from '../../vm/snapshot/revert.ts';
import {
  deleteSnapshot,
  editSnapshot,
  listSnapshots,
  showSnapshot,
  snapshotScreen,
  takeSnapshot,
} from '../../vm/snapshot/snapshots.ts';
import type { Handlers } from './handler.ts';

export const snapshotHandlers: Handlers<keyof typeof snapshotOperations> = {
  'snapshots.list': ({ host }, { params }) => listSnapshots(host, params.machine),
  'snapshots.take': ({ host }, { params, body }, progress) =>
    takeSnapshot(host, params.machine, body, progress),
  'snapshots.show': ({ host }, { params }) => showSnapshot(host, params.machine, params.snapshot),
  'snapshots.screenshot': ({ host }, { params }) => snapshotScreen(host, params.machine, params.snapshot),
  'snapshots.edit': ({ host }, { params, body }) => editSnapshot(host, params.machine, params.snapshot, body),
  'snapshots.delete': ({ host }, { params, query }, progress) =>
    deleteSnapshot(host, params.machine, params.snapshot, query, progress),
  'snapshots.revert': ({ host }, { params, body }, progress) =>
    revertSnapshot(host, params.machine, params.snapshot, body, progress),
  'autoProtect.show': ({ host }, { params }) => autoProtectOf(host, params.machine),
  'autoProtect.set': ({ host }, { params, body }) => setAutoProtect(host, params.machine, body),
};
