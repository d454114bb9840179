import { messageTypes, type Message } from './messages.ts';

// The messages of the file transfer (VD_AGENT_FILE_XFER_* of spice-protocol's `spice/vd_agent.h`).

/** What the agent says of a transfer (VD_AGENT_FILE_XFER_STATUS_*), by number. */
export const fileStatuses = [
  'canSend',
  'cancelled',
  'error',
  'success',
  'notEnoughSpace',
  'sessionLocked',
  'notConnected',
  'disabled',
] as const;
export type FileStatus = (typeof fileStatuses)[number];

const cancelled = 1;

function head(id: number, bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  data.writeUInt32LE(id);
  return data;
}

/** A value of a key file of GLib, which has its own escapes. */
function keyFileValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(/^ /u, '\\s');
}

/** Announces a file. @param name without control characters */
export function fileStart(id: number, name: string, size: number): Message {
  const text = `[vdagent-file-xfer]\nname=${keyFileValue(name)}\nsize=${size}\n\0`;
  return { type: messageTypes.fileStart, data: Buffer.concat([head(id, 4), Buffer.from(text)]) };
}

/** What precedes a part of the content. */
export function fileData(id: number, bytes: number): Message {
  const data = head(id, 12);
  data.writeBigUInt64LE(BigInt(bytes), 4);
  return { type: messageTypes.fileData, data };
}

/** Ends a transfer. */
export function fileCancel(id: number): Message {
  const data = head(id, 8);
  data.writeUInt32LE(cancelled, 4);
  return { type: messageTypes.fileStatus, data };
}

/** @returns undefined if the message is malformed; what is unknown is an error */
export function readFileStatus(
  data: Buffer,
): { readonly id: number; readonly status: FileStatus } | undefined {
  if (data.length < 8) return undefined;
  return { id: data.readUInt32LE(0), status: fileStatuses[data.readUInt32LE(4)] ?? 'error' };
}
