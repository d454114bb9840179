import { expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { serveGuestInfo, type AnswerGuestInfo } from './guest-info.ts';
import type { GuestTools } from './tools.ts';

/** Serves a guest that sends this. */
async function hear(answer: AnswerGuestInfo, ...chunks: string[]): Promise<string[]> {
  const replies: string[] = [];
  const stop = new AbortController();
  const tools = {
    open: async (
      _service: string,
      _request: object,
      onData: (name: string, chunk: Buffer) => Promise<void>,
    ) => {
      const stream = {
        write: async (bytes: Buffer) => void (await Promise.resolve(replies.push(bytes.toString()))),
        result: new Promise(() => undefined),
        cancel: async () => await Promise.resolve(),
      };
      const send = async () => {
        for (const chunk of chunks) await onData('stdout', Buffer.from(chunk));
        stop.abort();
      };
      return { ...stream, result: Promise.race([stream.result, Promise.resolve().then(send)]) };
    },
  } as unknown as GuestTools;
  await serveGuestInfo(tools, answer, stop.signal);
  return replies;
}

const answer: AnswerGuestInfo = async ({ key }) => await Promise.resolve(key);

it('answers each line, however they are cut', async () => {
  const line = (key: string) => `${JSON.stringify({ operation: 'get', key, value: '' })}\n`;
  const text = line('a') + line('b') + line('c');
  expect(await hear(answer, text.slice(0, 3), text.slice(3, 60), text.slice(60))).toEqual(
    ['a', 'b', 'c'].map((value) => `{"value":"${value}"}\n`),
  );
});

it.each([
  ['no JSON', '{\n'],
  ['another operation', '{"operation":"list","key":"guestinfo.a","value":""}\n'],
  ['no key', '{"operation":"get","value":""}\n'],
  ['a list', '[[[]]]\n'],
  ['a line without end', 'x'.repeat(600_000)],
])('hears no guest that sends %s', async (_what, text) => {
  expect((await refused(hear(answer, text))).code).toBe('GUEST_FAILED');
});
