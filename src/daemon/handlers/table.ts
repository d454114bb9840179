import { clipboardHandlers } from './clipboard.ts';
import { daemonHandlers } from './daemon.ts';
import { diskHandlers } from './disks.ts';
import { fileHandlers } from './files.ts';
import {
  guestFileHandlers,
  guestInfoHandlers,
  guestProcessHandlers,
  guestUserHandlers,
} from './guest-operations.ts';
import { guestHandlers } from './guest.ts';
import type { Handlers } from './handler.ts';
import { imageHandlers } from './images.ts';
import { machineHandlers } from './machines.ts';
import { networkHandlers } from './networks.ts';
import { nicHandlers } from './nics.ts';
import { powerHandlers } from './power.ts';
import { shareHandlers } from './shares.ts';
import { snapshotHandlers } from './snapshots.ts';
import { toolsHandlers } from './tools.ts';
import { uploadHandlers } from './uploads.ts';
import { webHandlers } from './web.ts';

/** THE TABLE of handlers, one for each operation of api/operations.ts. A missing or wrongly typed one does not compile. */
export const handlers: Handlers = {
  ...machineHandlers,
  ...powerHandlers,
  ...guestHandlers,
  ...toolsHandlers,
  ...clipboardHandlers,
  ...fileHandlers,
  ...guestFileHandlers,
  ...guestProcessHandlers,
  ...guestInfoHandlers,
  ...guestUserHandlers,
  ...shareHandlers,
  ...snapshotHandlers,
  ...diskHandlers,
  ...networkHandlers,
  ...nicHandlers,
  ...imageHandlers,
  ...uploadHandlers,
  ...daemonHandlers,
  ...webHandlers,
};
