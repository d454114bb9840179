import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { listenAsTools, operationThat, type FakeToolsOptions } from '../../../test/support/fake-tools.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { frameTypes } from './frames.ts';
import { GuestTools } from './tools.ts';

const makeDirectory = useTemporaryDirectory();
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function make(onFrame: NonNullable<FakeToolsOptions['onFrame']>): Promise<GuestTools> {
  const path = join(makeDirectory(), 'tools');
  const fake = await listenAsTools(path, { onFrame });
  const tools = new GuestTools({ path });
  opened.push(fake, { [Symbol.asyncDispose]: async () => await Promise.resolve(tools.close()) });
  return tools;
}

const asked = { operation: 'list', path: '/etc' };

describe('an operation of kame-tools', () => {
  it('returns what the guest says, in as many parts as it likes', async () => {
    const result = { text: 'x'.repeat(100_000) };
    const tools = await make(operationThat((request) => ({ result: { ...result, request } })));
    expect(await tools.operate(asked, {})).toEqual({ ...result, request: { service: 'operate', ...asked } });
  });

  it('fails with the code and the words of the guest, cleaned', async () => {
    const failed = { code: 'noSuchFile', message: 'open /x\u001b[1m: no such file' };
    const tools = await make(operationThat(() => ({ failed })));
    expect(await refused(tools.operate(asked, {}))).toMatchObject({
      code: 'GUEST_FAILED',
      message: 'The guest could not do that: open /x [1m: no such file.',
    });
  });

  it.each<[string, unknown]>([
    ['is no JSON', '{'],
    ['is no object', []],
    ['is nested too deeply', `{"result":${'['.repeat(50)}${']'.repeat(50)}}`],
    ['has too many values', { result: Array.from({ length: 200_000 }, () => 0) }],
  ])('is refused when its reply %s', async (_what, reply) => {
    const tools = await make(operationThat(() => reply));
    expect(await refused(tools.operate(asked, {}))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/protocol/),
    });
  });

  it('is refused when its reply does not end', async () => {
    let sent = 0;
    const more = (stream: number, peer: Parameters<ReturnType<typeof operationThat>>[1]) => {
      sent += 1;
      peer.send(frameTypes.data, stream, Buffer.alloc(32_001, 1));
    };
    const tools = await make(({ type, stream }, peer) => {
      if (type === frameTypes.request) for (let at = 0; at < 8; at += 1) more(stream, peer);
      else if (type === frameTypes.credit) more(stream, peer);
    });
    expect((await refused(tools.operate(asked, {}))).message).toMatch(/more than 16777216 bytes/);
    expect(sent).toBeLessThan(1000);
  });

  it('ends in time, and what hangs does not know the next connection', async () => {
    const tools = await make(() => undefined);
    await tools.hello();
    expect((await refused(tools.operate(asked, { deadlineMs: 20 }))).code).toBe('GUEST_TIMEOUT');
    expect(tools.connected).toBe(false);
  });

  it('is cancelled', async () => {
    const cancel = new AbortController();
    const tools = await make(({ type }) => type === frameTypes.request && cancel.abort());
    expect((await refused(tools.operate(asked, { signal: cancel.signal }))).code).toBe('CANCELLED');
  });
});

describe('a command that nobody waits for', () => {
  it.each<[object, number | string | undefined]>([
    [{ exitCode: 0, signal: null, pid: 7 }, 7],
    [{ exitCode: 0, signal: null }, undefined],
    [{ exitCode: 0, signal: null, pid: -7 }, 'GUEST_FAILED'],
    [{ exitCode: 0, signal: null, pid: 'x' }, 'GUEST_FAILED'],
  ])('is known by what the guest says: %j', async (end, expected) => {
    const tools = await make(
      ({ type, stream }, peer) => type === frameTypes.request && peer.send(frameTypes.done, stream, end),
    );
    const run = tools.run({ command: ['sleep', '9'], stdin: false, detached: true }, {});
    const got = await run.then(
      ({ pid }) => pid,
      (error: { code: string }) => error.code,
    );
    expect(got).toBe(expected);
  });
});
