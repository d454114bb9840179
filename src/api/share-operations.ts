import * as z from 'zod';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';
import { addShare, allowShares, machineShares } from './share.ts';

const shareParams = machineParams.extend({
  share: z
    .string()
    .min(1)
    .max(255)
    .meta({
      description: 'The name of a shared folder in the guest',
      examples: ['work'],
    }),
});

/** Folders of the host that a guest may use. */
export const shareOperations = {
  'shares.list': {
    method: 'GET',
    path: '/machines/{machine}/shares',
    role: 'operator',
    kind: 'json',
    summary: 'List the shared folders of a machine',
    params: machineParams,
    result: machineShares,
  },
  'shares.add': {
    method: 'POST',
    path: '/machines/{machine}/shares',
    role: 'owner',
    kind: 'json',
    summary: 'Share a folder with a guest',
    description:
      'A running guest gets it at once. If the machine shares the same folder by that name already, this changes whether it is ' +
      'writable, and agrees to what the .vmx names.',
    params: machineParams,
    body: addShare,
    result: machineShares,
    example: { body: { hostPath: '/home/ada/work', readOnly: true } },
  },
  'shares.allow': {
    method: 'PATCH',
    path: '/machines/{machine}/shares',
    role: 'owner',
    kind: 'json',
    summary: 'Permit or forbid all shared folders of a machine',
    description: 'Sets isolation.tools.hgfs.disable. A running guest gets them, or loses them, at once.',
    params: machineParams,
    body: allowShares,
    result: machineShares,
    example: { body: { allowed: true } },
  },
  'shares.remove': {
    method: 'DELETE',
    path: '/machines/{machine}/shares/{share}',
    role: 'owner',
    kind: 'json',
    summary: 'Stop sharing a folder with a guest',
    params: shareParams,
    result: machineShares,
  },
} as const satisfies OperationTable;
