import type { shareOperations } from '../../api/share-operations.ts';
import { addShare } from '../../vm/share/add.ts';
import { allowShares } from '../../vm/share/allow.ts';
import { listShares } from '../../vm/share/list.ts';
import { removeShare } from '../../vm/share/remove.ts';
import type { Handlers } from './handler.ts';

export const shareHandlers: Handlers<keyof typeof shareOperations> = {
  'shares.list': ({ host }, { params }) => listShares(host, params.machine),
  'shares.add': ({ host }, { params, body }) => addShare(host, params.machine, body),
  'shares.allow': ({ host }, { params, body }) => allowShares(host, params.machine, body.allowed),
  'shares.remove': ({ host }, { params }) => removeShare(host, params.machine, params.share),
};
