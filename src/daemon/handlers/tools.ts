import type { toolsOperations } from '../../api/tools-operations.ts';
import { installTools } from '../../vm/guest/install-tools.ts';
import { describeTools } from '../../vm/guest/tools.ts';
import type { Handlers } from './handler.ts';

export const toolsHandlers: Handlers<keyof typeof toolsOperations> = {
  'tools.show': ({ host }, { params, signal }) => describeTools(host, params.machine, signal),
  'tools.install': ({ host }, { params }, progress) => installTools(host, params.machine, progress),
};
