import {
  guestEnvironment,
  guestProcesses,
  killInGuest,
  ofUser,
  setGuestVariable,
  startedInGuest,
  startInGuest,
} from './guest-processes.ts';
import { done } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

/** Processes and the environment in the guest of a machine. A command that is waited for is `machines.exec`. */
export const guestProcessOperations = {
  'guestProcesses.list': {
    method: 'GET',
    path: '/machines/{machine}/guest/processes',
    kind: 'json',
    slow: true,
    summary: 'List the processes in the guest',
    params: machineParams,
    result: guestProcesses,
  },
  'guestProcesses.start': {
    method: 'POST',
    path: '/machines/{machine}/guest/processes',
    kind: 'json',
    slow: true,
    summary: 'Start a command in the guest without waiting for its end',
    description: 'It has no input, its output is lost, and it goes on when the daemon ends.',
    params: machineParams,
    body: startInGuest,
    result: startedInGuest,
    example: { body: { command: ['sleep', '60'] } },
  },
  'guestProcesses.kill': {
    method: 'POST',
    path: '/machines/{machine}/guest/processes/kill',
    kind: 'json',
    slow: true,
    summary: 'Send a signal to a process in the guest',
    params: machineParams,
    body: killInGuest,
    result: done,
    example: { body: { pid: 412 } },
  },
  'guestEnvironment.show': {
    method: 'GET',
    path: '/machines/{machine}/guest/environment',
    kind: 'json',
    slow: true,
    summary: 'Show the environment of commands in the guest',
    params: machineParams,
    query: ofUser,
    result: guestEnvironment,
    example: { query: { user: 'alice' } },
  },
  'guestEnvironment.set': {
    method: 'PUT',
    path: '/machines/{machine}/guest/environment',
    kind: 'json',
    slow: true,
    summary: 'Set a variable for all later commands in the guest',
    description: 'It needs kame-tools, and lasts until they or the guest are started again.',
    params: machineParams,
    body: setGuestVariable,
    result: done,
    example: { body: { name: 'LANG', value: 'C.UTF-8' } },
  },
} as const satisfies OperationTable;
