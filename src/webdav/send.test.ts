import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { sendText } from './send.ts';

const plain = { status: 200, type: 'text/plain' };

describe('sendText', () => {
  it('sends many parts in few pieces', async () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const write = vi.spyOn(response, 'write').mockReturnValue(true);
    const end = vi.spyOn(response, 'end');
    const parts = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(99) + '\n');
    await sendText(
      response,
      plain,
      (async function* all() {
        for (const part of parts) yield await Promise.resolve(part);
      })(),
    );
    const sent = [...write.mock.calls, ...end.mock.calls].map(([piece]) => String(piece));
    expect(sent.join('')).toBe(parts.join(''));
    expect(sent).toHaveLength(4);
  });

  it('has sent nothing when the first part fails, so that the request can be refused', async () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const failing = (async function* fail() {
      yield await Promise.resolve('begin');
      throw new Error('no permission');
    })();
    await expect(sendText(response, plain, failing)).rejects.toThrow('no permission');
    expect(response.headersSent).toBe(false);
  });
});
