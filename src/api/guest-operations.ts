import * as z from 'zod';
import { addresses } from './machine.ts';
import { execMessage, execRequest } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { flag, machineParams } from './parameters.ts';

/** What the guest of a machine shows, writes and does. */
export const guestOperations = {
  'machines.addresses': {
    method: 'GET',
    path: '/machines/{machine}/addresses',
    kind: 'json',
    summary: 'List the network addresses of the guest',
    params: machineParams,
    result: addresses,
  },
  'machines.screenshot': {
    method: 'GET',
    path: '/machines/{machine}/screenshot',
    kind: 'bytes',
    contentType: 'image/png',
    summary: 'Get what the screen shows',
    params: machineParams,
  },
  'machines.logs': {
    method: 'GET',
    path: '/machines/{machine}/logs',
    kind: 'stream',
    contentType: 'text/plain',
    summary: 'Read the log of a machine',
    params: machineParams,
    query: z.strictObject({
      follow: flag('Continue with what is appended'),
      console: flag('The serial console’s log instead of the machine’s'),
    }),
    example: { query: { console: 'true' } },
  },
  'machines.console': {
    method: 'GET',
    path: '/machines/{machine}/console',
    kind: 'websocket',
    summary: 'Use the serial console',
    description:
      'Binary messages both ways. A client that does not read is cut off. An error comes as a text message, and the ' +
      'connection is closed after it.',
    params: machineParams,
  },
  'machines.exec': {
    method: 'GET',
    path: '/machines/{machine}/exec',
    kind: 'websocket',
    summary: 'Run a command in the guest',
    description:
      'The first message of the client is an ExecRequest as text. Then, if `stdin` is true, binary messages are standard ' +
      'input, and an empty one ends it. The server sends an ExecMessage as text for each piece of output, which is in ' +
      'base64, and closes the connection after `exit` or `error`.',
    params: machineParams,
    body: execRequest,
    result: execMessage,
    example: { body: { command: ['uname', '-a'] } },
  },
} as const satisfies OperationTable;
