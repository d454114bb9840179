import * as z from 'zod';
import { addNic, captureEnd, captureRequest, machineNic, setNic } from './nic.ts';
import type { OperationTable } from './operation.ts';
import { machineParams, nicParams } from './parameters.ts';

/** The network adapters of a machine, whether it runs or not. */
export const nicOperations = {
  'nics.list': {
    method: 'GET',
    path: '/machines/{machine}/nics',
    role: 'viewer',
    kind: 'json',
    summary: 'List the network adapters of a machine',
    params: machineParams,
    result: z.array(machineNic),
  },
  'nics.add': {
    method: 'POST',
    path: '/machines/{machine}/nics',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Add a network adapter',
    description: 'A running guest gets it at once, if its system can.',
    params: machineParams,
    body: addNic,
    result: machineNic,
    example: { body: { network: 'hostonly' } },
  },
  'nics.set': {
    method: 'PATCH',
    path: '/machines/{machine}/nics/{nic}',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Change the network, the cable or the traffic of an adapter',
    params: nicParams,
    body: setNic,
    result: machineNic,
    example: { body: { connected: false } },
  },
  'nics.remove': {
    method: 'DELETE',
    path: '/machines/{machine}/nics/{nic}',
    role: 'owner',
    kind: 'json',
    slow: true,
    summary: 'Remove a network adapter',
    params: nicParams,
    result: machineNic,
  },
  'nics.capture': {
    method: 'GET',
    path: '/machines/{machine}/capture',
    role: 'owner',
    kind: 'websocket',
    summary: 'Capture the frames of an adapter',
    description:
      'The first message of the client is a CaptureRequest as text. The server sends a pcap file in binary messages, and ' +
      'a CaptureEnd as text at the end. A binary message of the client, even an empty one, ends the capture. Frames that a ' +
      'client does not read in time are left out and counted: the guest never waits.',
    params: machineParams,
    body: captureRequest,
    result: captureEnd,
    example: { body: { nic: 0 } },
  },
} as const satisfies OperationTable;
