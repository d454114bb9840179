import type { diskOperations } from '../../api/disk-operations.ts';
import { silentProgress } from '../../core/progress.ts';
import { addDisk } from '../../vm/disk/add.ts';
import { checkDisks } from '../../vm/disk/check.ts';
import { compactDisk } from '../../vm/disk/compact.ts';
import { createDiskFile } from '../../vm/disk/create-file.ts';
import { growDisk } from '../../vm/disk/grow.ts';
import { listDisks } from '../../vm/disk/list.ts';
import { removeDisk } from '../../vm/disk/remove.ts';
import { convertDisk } from '../../vm/export/convert.ts';
import type { Handlers } from './handler.ts';

export const diskHandlers: Handlers<keyof typeof diskOperations> = {
  'disks.list': ({ host }, { params }) => listDisks(host, params.machine),
  'disks.create': ({ host }, { body }) => createDiskFile(host, body),
  'disks.convert': ({ host }, { body }, progress) => convertDisk(host, body, progress),
  'disks.add': ({ host }, { params, body }, progress) => addDisk(host, params.machine, body, progress),
  'disks.checkAll': ({ host }, { params, body }, progress) =>
    checkDisks(host, params.machine, null, body, progress),
  'disks.check': ({ host }, { params, body }, progress) =>
    checkDisks(host, params.machine, params.disk, body, progress),
  'disks.grow': ({ host }, { params, body }, progress) =>
    growDisk(host, params.machine, params.disk, body, progress),
  'disks.compact': ({ host }, { params }, progress) =>
    compactDisk(host, params.machine, params.disk, progress),
  'disks.remove': ({ host }, { params, query, signal }) =>
    removeDisk(host, params.machine, params.disk, query, silentProgress(signal)),
};
