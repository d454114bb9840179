import { clipboardMessage, clipboardSet, clipboardStatus, getClipboard, setClipboard } from './clipboard.ts';
import type { OperationTable } from './operation.ts';
import { machineParams } from './parameters.ts';

/** The clipboard that the desktop of a guest shares with the host. */
export const clipboardOperations = {
  'clipboard.show': {
    method: 'GET',
    path: '/machines/{machine}/clipboard',
    role: 'operator',
    kind: 'json',
    summary: 'Show what is on the clipboard of the guest',
    params: machineParams,
    result: clipboardStatus,
  },
  'clipboard.get': {
    method: 'GET',
    path: '/machines/{machine}/clipboard/get',
    role: 'operator',
    kind: 'websocket',
    summary: 'Read the clipboard of the guest',
    description:
      'The first message of the client is a GetClipboard as text. The server sends a ClipboardMessage of type `content` as ' +
      'text, the content in binary messages, and one of type `end`. A client that reads slowly slows the server down.',
    params: machineParams,
    body: getClipboard,
    result: clipboardMessage,
    example: { body: { type: 'image/png' } },
  },
  'clipboard.set': {
    method: 'GET',
    path: '/machines/{machine}/clipboard/set',
    role: 'operator',
    kind: 'websocket',
    summary: 'Set the clipboard of the guest',
    description:
      'The first message of the client is a SetClipboard as text; binary messages follow with the content, at most 64 MiB, ' +
      'and an empty message ends it. The server then sends a ClipboardSet as text. The guest takes the content when it ' +
      'pastes it: it stays until the guest copies something, or the daemon ends.',
    params: machineParams,
    body: setClipboard,
    result: clipboardSet,
    example: { body: { type: 'text/plain' } },
  },
  'clipboard.watch': {
    method: 'GET',
    path: '/machines/{machine}/clipboard/watch',
    role: 'operator',
    kind: 'websocket',
    summary: 'Watch the clipboard of the guest',
    description:
      'The server sends a ClipboardStatus as text, and another one whenever the clipboard changes. It closes the connection ' +
      'when the machine stops.',
    params: machineParams,
    result: clipboardStatus,
  },
} as const satisfies OperationTable;
