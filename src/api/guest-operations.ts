import * as z from 'zod';
import { addresses } from './machine.ts';
import { done, execControl, execMessage, execRequest, typeText } from './messages.ts';
import type { OperationTable } from './operation.ts';
import { flag, machineParams } from './parameters.ts';
import { resolution, resolutionChange, setResolution } from './resolution.ts';
import { recordSound, soundMessage } from './sound.ts';

/** The guest of a machine: its addresses, screen, sound, console, log and commands. */
export const guestOperations = {
  'machines.addresses': {
    method: 'GET',
    path: '/machines/{machine}/addresses',
    role: 'viewer',
    kind: 'json',
    summary: 'List the IP addresses of the guest',
    params: machineParams,
    result: addresses,
  },
  'machines.screenshot': {
    method: 'GET',
    path: '/machines/{machine}/screenshot',
    role: 'viewer',
    kind: 'bytes',
    contentType: 'image/png',
    summary: 'Take a screenshot',
    params: machineParams,
  },
  'machines.type': {
    method: 'POST',
    path: '/machines/{machine}/keyboard',
    role: 'operator',
    kind: 'json',
    slow: true,
    summary: 'Type a text on the keyboard of the guest',
    description: 'As on a US keyboard. Line breaks are Enter.',
    params: machineParams,
    body: typeText,
    result: done,
    example: { body: { text: 'root' } },
  },
  'machines.resolution': {
    method: 'GET',
    path: '/machines/{machine}/resolution',
    role: 'viewer',
    kind: 'json',
    summary: 'Show the resolution of the display',
    params: machineParams,
    result: resolution,
  },
  'machines.setResolution': {
    method: 'PUT',
    path: '/machines/{machine}/resolution',
    role: 'operator',
    kind: 'task',
    verb: 'resolution',
    summary: 'Change the resolution of the display',
    description:
      'Asks the graphics adapter and the desktop agent of the guest, once more if the guest does not follow, and returns ' +
      'the resolution that the display then has.',
    params: machineParams,
    body: setResolution,
    result: resolutionChange,
    example: { body: { width: 1600, height: 900 } },
  },
  'machines.sound': {
    method: 'GET',
    path: '/machines/{machine}/sound',
    role: 'viewer',
    kind: 'websocket',
    summary: 'Record the sound of the guest',
    description:
      'The first message of the client is a RecordSound as text. The server sends the format and then what the guest plays: ' +
      'samples in binary messages, and for silence a text message with its length. A binary message of the client, even an ' +
      'empty one, ends the recording. All text messages of the server are of type SoundMessage. What a client does not read ' +
      'in time becomes silence and is counted.',
    params: machineParams,
    body: recordSound,
    result: soundMessage,
    example: { body: { durationMs: 10_000 } },
  },
  'machines.logs': {
    method: 'GET',
    path: '/machines/{machine}/logs',
    role: 'operator',
    kind: 'stream',
    contentType: 'text/plain',
    summary: 'Read the log of a machine',
    params: machineParams,
    query: z.strictObject({
      follow: flag('Keep sending new lines'),
      console: flag('The log of the serial console instead of the log of the machine'),
    }),
    example: { query: { console: 'true' } },
  },
  'machines.console': {
    method: 'GET',
    path: '/machines/{machine}/console',
    role: 'operator',
    kind: 'websocket',
    summary: 'Connect to the serial console',
    description:
      'Both sides send binary messages. The first one of the server is empty, and says that the console is connected. A client ' +
      'that does not read is disconnected. An error is sent as a text message, after which the connection is closed.',
    params: machineParams,
  },
  'machines.screen': {
    method: 'GET',
    path: '/machines/{machine}/screen',
    role: 'viewer',
    kind: 'websocket',
    summary: 'Connect to the screen',
    description:
      'Binary messages of both sides are the bytes of a connection to the VNC server of the engine (RFB 3.8, RFC 6143), without ' +
      'authentication, and shared with all others. Where messages begin and end means nothing. A side that does not read slows ' +
      'the other one down. The server closes the connection when the machine stops. An error is sent as a text message, after ' +
      'which the connection is closed.',
    params: machineParams,
  },
  'machines.exec': {
    method: 'GET',
    path: '/machines/{machine}/exec',
    role: 'operator',
    kind: 'websocket',
    summary: 'Run a command in the guest',
    description:
      'The first message of the client is an ExecRequest as text. If `stdin` is true, binary messages follow with standard ' +
      'input, and an empty message ends it. The server tells with `taken` how much of it was taken: a client that has more ' +
      'than 512 KiB under way delays what it sends next. Text messages are of type ExecControl: signals, and new sizes of ' +
      'the terminal. The server sends an ExecMessage as text for each chunk of output, encoded in base64, and closes the ' +
      'connection after `exit` or `error`.',
    params: machineParams,
    body: execRequest,
    control: execControl,
    result: execMessage,
    example: { body: { command: ['uname', '-a'] } },
  },
} as const satisfies OperationTable;
