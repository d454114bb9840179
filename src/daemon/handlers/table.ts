import { daemonHandlers } from './daemon.ts';
import { diskHandlers } from './disks.ts';
import { guestHandlers } from './guest.ts';
import type { Handlers } from './handler.ts';
import { imageHandlers } from './images.ts';
import { machineHandlers } from './machines.ts';
import { powerHandlers } from './power.ts';
import { snapshotHandlers } from './snapshots.ts';

/** THE TABLE: what performs each operation of api/operations.ts. One that is missing or of another type does not compile. */
export const handlers: Handlers = {
  ...machineHandlers,
  ...powerHandlers,
  ...guestHandlers,
  ...snapshotHandlers,
  ...diskHandlers,
  ...imageHandlers,
  ...daemonHandlers,
};
