import { recoverClone } from '../clone/recover-clone.ts';
import { recoverDisk } from '../disk/recover-disk.ts';
import type { RecoveryTable } from '../host/host.ts';
import { recoverTidy } from '../layers/recover-tidy.ts';
import { recoverNic } from '../nic/recover-nic.ts';
import { recoverSuspend } from '../power/recover-suspend.ts';
import { recoverLayers } from '../snapshot/recover-layers.ts';
import { recoverRevert } from '../snapshot/recover-revert.ts';

/** The recovery of interrupted operations, by the kind of their journal. */
export const recoveryTable: RecoveryTable = {
  layer: recoverLayers,
  suspend: recoverSuspend,
  revert: recoverRevert,
  tidy: recoverTidy,
  clone: recoverClone,
  disk: recoverDisk,
  nic: recoverNic,
};
