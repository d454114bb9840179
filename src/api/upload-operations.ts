import * as z from 'zod';
import { done } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { sendUpload, sendUploadMessage, storedUpload, uploadParams } from './upload.ts';

/** Machines, appliances and disks that a client sends before they are imported. */
export const uploadOperations = {
  'uploads.list': {
    method: 'GET',
    path: '/uploads',
    role: 'owner',
    kind: 'json',
    summary: 'List what clients have sent, and not imported or finished yet',
    result: z.array(storedUpload),
  },
  'uploads.send': {
    method: 'GET',
    path: '/uploads/send',
    role: 'owner',
    kind: 'websocket',
    summary: 'Send the files of a machine, an appliance or a disk',
    description:
      'The first message of the client is SendUpload as text. The server answers with `ready`, and the client sends the bytes of all ' +
      'files one after the other, from that offset on, in binary messages. After the last byte the server sends `end` with a path, ' +
      'and closes the connection. machines.reportImport and machines.import take that path; a successful import removes the files. ' +
      'What was sent before a break is kept for a week.',
    body: sendUpload,
    result: sendUploadMessage,
    example: {
      body: { files: [{ path: 'web.ova', sizeBytes: 700_000_000, modifiedMs: 1_764_000_000_000 }] },
    },
  },
  'uploads.delete': {
    method: 'DELETE',
    path: '/uploads/{upload}',
    role: 'owner',
    kind: 'json',
    summary: 'Discard what was sent',
    params: uploadParams,
    result: done,
  },
} as const satisfies OperationTable;
