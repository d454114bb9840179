import * as z from 'zod';
import { done } from './messages.ts';
import type { OperationTable } from './operation.ts';
import {
  addWebUser,
  auditEntry,
  listenRemotely,
  setWebPassword,
  setWebUser,
  userName,
  webAddress,
  webState,
  webUser,
} from './web.ts';

const userParams = z.object({ user: userName });
const maxAudit = 10_000;

/** The web desktop: who may use it, and from where. */
export const webOperations = {
  'web.open': {
    method: 'POST',
    path: '/web',
    role: 'owner',
    kind: 'json',
    summary: 'Open the web desktop for one browser on this host',
    description:
      'The address can be used once, within five minutes. The first call starts to listen on 127.0.0.1.',
    result: webAddress,
  },
  'web.show': {
    method: 'GET',
    path: '/web',
    role: 'owner',
    kind: 'json',
    summary: 'Show from where the web desktop can be used',
    result: webState,
  },
  'web.listen': {
    method: 'PUT',
    path: '/web/remote',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Open the web desktop to other computers',
    description: 'Over TLS only, for users with a password. It stays open when the daemon is started again.',
    body: listenRemotely,
    result: webState,
    example: { body: { address: '192.168.1.20' } },
  },
  'web.off': {
    method: 'DELETE',
    path: '/web/remote',
    role: 'owner',
    kind: 'json',
    summary: 'Close the web desktop to other computers',
    description: 'All their sessions end.',
    result: webState,
  },
  'web.users': {
    method: 'GET',
    path: '/web/users',
    role: 'owner',
    kind: 'json',
    summary: 'List the users of the web desktop',
    result: z.array(webUser),
  },
  'web.addUser': {
    method: 'POST',
    path: '/web/users',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Add a user of the web desktop',
    body: addWebUser,
    result: webUser,
    example: {
      body: { name: 'ada', grants: [{ role: 'operator' }], password: 'correct horse battery staple' },
    },
  },
  'web.setUser': {
    method: 'PATCH',
    path: '/web/users/{user}',
    role: 'owner',
    kind: 'json',
    summary: 'Change what a user may do',
    description: 'Sessions of the user end, with what they have open.',
    params: userParams,
    body: setWebUser,
    result: webUser,
    example: { body: { grants: [{ role: 'viewer' }, { role: 'operator', machines: ['demo'] }] } },
  },
  'web.setPassword': {
    method: 'PUT',
    path: '/web/users/{user}/password',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Set the password of a user',
    description: 'Sessions of the user end, with what they have open.',
    params: userParams,
    body: setWebPassword,
    result: done,
    example: { body: { password: 'correct horse battery staple' } },
  },
  'web.removeUser': {
    method: 'DELETE',
    path: '/web/users/{user}',
    role: 'owner',
    kind: 'json',
    summary: 'Remove a user',
    description: 'Sessions of the user end, with what they have open.',
    params: userParams,
    result: done,
  },
  'web.audit': {
    method: 'GET',
    path: '/web/audit',
    role: 'owner',
    kind: 'json',
    summary: 'Show who did what',
    description: 'What changed something, who signed in, and what was refused. The latest entry is the last.',
    query: z.strictObject({
      limit: z.coerce
        .number()
        .int()
        .min(1)
        .max(maxAudit)
        .default(100)
        .meta({ type: 'integer', description: 'The most entries' }),
    }),
    result: z.array(auditEntry),
    example: { query: { limit: '20' } },
  },
} as const satisfies OperationTable;
