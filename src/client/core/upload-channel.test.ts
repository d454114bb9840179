import { expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import type { Connection } from './connection.ts';
import { sendUpload } from './upload-channel.ts';

/** A daemon that wants the file, and gives up as soon as any of it comes. */
function givingUp(last: readonly object[]): Connection {
  async function* messages(): AsyncGenerator<string> {
    for (const message of [{ type: 'ready', offset: 0 }, ...last])
      yield await Promise.resolve(JSON.stringify(message));
  }
  const send = async (message: unknown) => {
    await Promise.resolve();
    if (typeof message !== 'string') throw new Error('Cannot call write after a stream was destroyed');
  };
  const channel = { messages: messages(), send, close: () => undefined };
  return { open: async () => await Promise.resolve(channel) } as unknown as Connection;
}

it.each([
  [[{ type: 'error', error: { code: 'DISK_FULL', message: 'The disk is full.' } }], 'DISK_FULL'],
  [[], 'DAEMON_UNREACHABLE'],
])('an upload that the daemon gives up tells why', async (last, code) => {
  const file = { path: 'web.ova', sizeBytes: 10, modifiedMs: 1 };
  const read = async () => await Promise.resolve(new Uint8Array(10));
  expect((await refused(sendUpload(givingUp(last), { files: [file] }, { read }))).code).toBe(code);
});
