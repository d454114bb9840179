import { dropFiles, dropMessage, getFiles, getMessage, putFiles, putMessage } from './file-transfer.ts';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

/** Files of the guest of a machine. Those of the host are read and written by the client. */
export const fileOperations = {
  'files.put': {
    method: 'GET',
    path: '/machines/{machine}/guest-files/put',
    role: 'operator',
    kind: 'websocket',
    summary: 'Copy files into the guest',
    description:
      'The first message of the client is PutFiles as text. Binary messages follow with a tar archive (ustar with the names ' +
      'of GNU or pax), and an empty message ends it. One that comes before the end of the archive cancels the copy, and ' +
      'nothing of it stays in the guest. The server sends a PutMessage as text when something has happened; after `end` or an ' +
      'error it closes the connection.',
    params: machineParams,
    body: putFiles,
    result: putMessage,
    example: { body: { path: '/srv/www', directory: true } },
  },
  'files.drop': {
    method: 'GET',
    path: '/machines/{machine}/guest-files/drop',
    role: 'operator',
    kind: 'websocket',
    summary: 'Drop files into the session of the guest',
    description:
      'The first message of the client is DropFiles as text. Binary messages follow with a tar archive of files without ' +
      'directories, and an empty message ends it; one before the end of the archive cancels. The user at the screen of the guest ' +
      'gets each as a new file for downloads, or on the desktop. It needs kame-tools in the session, or the agent of SPICE.',
    params: machineParams,
    body: dropFiles,
    result: dropMessage,
    example: { body: {} },
  },
  'files.get': {
    method: 'GET',
    path: '/machines/{machine}/guest-files/get',
    role: 'operator',
    kind: 'websocket',
    summary: 'Copy files out of the guest',
    description:
      'The first message of the client is GetFiles as text. The server sends a tar archive of the file or directory in binary ' +
      'messages, and a GetMessage as text. Further messages of the client cancel the copy. The archive is as the guest made ' +
      'it: do not trust the names in it.',
    params: machineParams,
    body: getFiles,
    result: getMessage,
    example: { body: { path: '/var/log/messages' } },
  },
} as const satisfies OperationTable;
