import { guestInfo, setGuestInfo } from './guest-info.ts';
import { done } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

/** Variables that a guest reads and writes through kame-tools, as through VMware's. */
export const guestInfoOperations = {
  'guestInfo.show': {
    method: 'GET',
    path: '/machines/{machine}/guest/info',
    role: 'operator',
    kind: 'json',
    summary: 'Show the variables guestinfo.* of a machine',
    description: 'Those of its .vmx; while it runs, also what it or others have set since.',
    params: machineParams,
    result: guestInfo,
  },
  'guestInfo.set': {
    method: 'PUT',
    path: '/machines/{machine}/guest/info',
    role: 'operator',
    kind: 'json',
    summary: 'Set a variable guestinfo.* of a running machine, until it stops or is suspended',
    description: '`machines.set` changes the value with which it starts.',
    params: machineParams,
    body: setGuestInfo,
    result: done,
    example: { body: { name: 'guestinfo.role', value: 'web' } },
  },
} as const satisfies OperationTable;
