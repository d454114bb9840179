import * as nics from './nics.ts';
import type { Handler } from './operation.ts';
import type { operations, OperationId } from './operations.ts';
import * as power from './power.ts';
import * as folders from './shared-folders.ts';
import * as vmnets from './vmnets.ts';
import * as vms from './vms.ts';
import { configVMParams } from './vms.ts';

type Handlers = { readonly [Id in OperationId]: Handler<(typeof operations)[Id]> };

/** What does each operation of the table. */
export const handlers: Handlers = {
  ...vms,
  configVMParamsOld: configVMParams,
  ...power,
  ...folders,
  ...nics,
  ...vmnets,
};
