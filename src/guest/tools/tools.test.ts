import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  commandThat,
  goodHello,
  listenAsTools,
  type FakeTools,
  type FakeToolsOptions,
} from '../../../test/support/fake-tools.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { until } from '../../../test/support/world.ts';
import { frameTypes, maxPayload, windowBytes } from './frames.ts';
import type { ToolsCommand } from './messages.ts';
import { GuestTools } from './tools.ts';

const makeDirectory = useTemporaryDirectory();
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function make(options: FakeToolsOptions = {}, helloMs?: number): Promise<[GuestTools, FakeTools]> {
  const path = join(makeDirectory(), 'tools');
  const fake = await listenAsTools(path, options);
  const tools = new GuestTools({ path, ...(helloMs === undefined ? {} : { helloMs }) });
  opened.push(fake, { [Symbol.asyncDispose]: async () => await Promise.resolve(tools.close()) });
  return [tools, fake];
}

const command: ToolsCommand = { command: ['cat'], stdin: true };
const quiet = async (): Promise<void> => await Promise.resolve();

/** Runs a command; all that it printed, and how it ended. */
async function run(tools: GuestTools, more: Partial<ToolsCommand> = {}) {
  let [stdout, stderr] = ['', ''];
  const stream = await tools.exec({ ...command, ...more }, async (name, chunk) => {
    if (name === 'stdout') stdout += chunk.toString();
    else stderr += chunk.toString();
    await Promise.resolve();
  });
  return { ...(await stream.result), stdout, stderr };
}

describe('GuestTools', () => {
  it('says who answers, over one connection', async () => {
    const [tools, fake] = await make({ rubbish: Buffer.alloc(50_000, 'rubbish') });
    expect(await Promise.all([tools.hello(), tools.hello()])).toEqual([goodHello, goodHello]);
    expect(await tools.hello()).toEqual(goodHello);
    expect(fake.connections()).toBe(1);
  });

  it.each<[string, FakeToolsOptions, string]>([
    ['is silent', { hello: null }, 'GUEST_TOOLS_MISSING'],
    ['has an older version', { hello: { ...goodHello, version: 0 } }, 'GUEST_TOOLS_MISSING'],
    ['says no JSON', { hello: Buffer.from('{') }, 'GUEST_FAILED'],
    ['says no object', { hello: Buffer.from('[]') }, 'GUEST_FAILED'],
    ['has no services', { hello: { ...goodHello, services: 3 } }, 'GUEST_FAILED'],
    ['has a long name', { hello: { ...goodHello, hostname: 'x'.repeat(5000) } }, 'GUEST_FAILED'],
  ])('refuses a guest that %s', async (_what, options, code) => {
    const [tools] = await make(options, 200);
    expect((await refused(tools.hello())).code).toBe(code);
  });

  it('understands a newer version, and names without control characters', async () => {
    const [tools] = await make({
      hello: { ...goodHello, version: 9, hostname: 'a\u001b[1m', sharesAt: '/mnt/hgfs', more: {} },
    });
    expect(await tools.hello()).toMatchObject({ version: 9, hostname: 'a [1m', sharesAt: '/mnt/hgfs' });
  });

  it('connects again when the program in the guest was started again', async () => {
    const [tools, fake] = await make({ onFrame: commandThat({ stdout: 'hi' }) });
    expect(await run(tools)).toMatchObject({ stdout: 'hi' });
    tools.disconnect();
    expect(await run(tools)).toMatchObject({ stdout: 'hi' });
    expect(fake.connections()).toBe(2);
  });

  it('says that nothing listens', async () => {
    const tools = new GuestTools({ path: join(makeDirectory(), 'none') });
    expect(await refused(tools.hello())).toMatchObject({
      code: 'GUEST_TOOLS_MISSING',
      message: like(/listens/),
    });
  });
});

describe('a command', () => {
  it('has output on two channels, and an exit code or a signal', async () => {
    const [tools] = await make({
      onFrame: commandThat({ stdout: 'out', stderr: 'err' }, { exitCode: null, signal: 9 }),
    });
    expect(await run(tools)).toEqual({ stdout: 'out', stderr: 'err', exitCode: null, signal: 9 });
  });

  it('can be longer than a frame', async () => {
    const [tools, fake] = await make({ onFrame: commandThat({}) });
    await run(tools, { command: ['echo', 'x'.repeat(3 * maxPayload)] });
    const parts = fake.frames.filter(
      ({ type }) => type === frameTypes.requestPart || type === frameTypes.request,
    );
    expect(parts.map(({ type }) => type)).toEqual([2, 2, 2, 3]);
    const text = Buffer.concat(parts.map(({ payload }) => payload)).toString();
    expect(JSON.parse(text)).toMatchObject({ service: 'exec', stdin: true });
    expect((await refused(run(tools, { command: ['x'.repeat(3_000_000)] }))).code).toBe('INVALID_VALUE');
  });

  it('is sent no more input than it takes', async () => {
    let taken = 0;
    const [tools, fake] = await make({
      onFrame: ({ type, stream, payload }, peer) => {
        if (type === frameTypes.data) taken += payload.length - 1;
        if (type === frameTypes.end) peer.send(frameTypes.done, stream, { exitCode: 0, signal: null });
        // Room comes only when all of it is used.
        if (type !== frameTypes.data || taken % windowBytes !== 0) return;
        const credit = Buffer.alloc(5);
        credit.writeUInt32BE(windowBytes, 1);
        peer.send(frameTypes.credit, stream, credit);
      },
    });
    const stream = await tools.exec(command, quiet);
    await stream.write(Buffer.alloc(3 * windowBytes + 5));
    await stream.endInput();
    expect(await stream.result).toEqual({ exitCode: 0, signal: null });
    expect(taken).toBe(3 * windowBytes + 5);
    expect(fake.frames.at(-1)?.type).toBe(frameTypes.end);
  });

  it('can close its input', async () => {
    const [tools] = await make({
      onFrame: ({ type, stream }, peer) => {
        if (type === frameTypes.data) peer.send(frameTypes.end, stream, Buffer.of(0));
      },
    });
    const stream = await tools.exec(command, quiet);
    await stream.write(Buffer.alloc(2 * windowBytes));
    expect(stream.takesInput).toBe(false);
  });

  it('grants room for output only when its listener has taken it', async () => {
    const full = Buffer.concat([Buffer.of(1), Buffer.alloc(maxPayload - 1)]);
    const [tools, fake] = await make({
      onFrame: ({ type, stream }, peer) => {
        if (type === frameTypes.request) peer.send(frameTypes.data, stream, full);
        if (type === frameTypes.credit) peer.send(frameTypes.done, stream, { exitCode: 0, signal: null });
      },
    });
    let take: (() => void) | undefined;
    const stream = await tools.exec(
      command,
      async () => await new Promise<void>((resolve) => (take = resolve)),
    );
    // The output comes in several pieces, and the listener is called for the whole of it.
    await until(() => take !== undefined);
    await stream.signal(15);
    await until(() => fake.frames.some(({ type }) => type === frameTypes.signal));
    expect(fake.frames.map(({ type }) => type)).not.toContain(frameTypes.credit);
    take?.();
    await stream.result;
    expect(fake.frames.at(-1)?.payload.readUInt32BE(1)).toBe(maxPayload - 1);
  });

  it('is sent signals and sizes, and its end', async () => {
    const [tools, fake] = await make();
    const stream = await tools.exec(command, quiet);
    await stream.signal(2);
    await stream.resize({ rows: 40, columns: 120 });
    const reason = new Error('enough');
    await stream.cancel(reason);
    await expect(stream.result).rejects.toBe(reason);
    await until(() => fake.frames.length === 4);
    expect(fake.frames.slice(1).map(({ type, payload }) => [type, ...payload])).toEqual([
      [frameTypes.signal, 2],
      [frameTypes.resize, 0, 40, 0, 120],
      [frameTypes.close],
    ]);
  });

  it('fails with the words of the guest', async () => {
    const [tools] = await make({
      onFrame: ({ stream }, peer) =>
        peer.send(frameTypes.failed, stream, { code: 'failed', message: 'no user\u0007 "x"' }),
    });
    expect(await refused(run(tools))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/no user "x"|no user {2}"x"/),
    });
  });

  it('fails with its listener, and ends in the guest', async () => {
    const [tools, fake] = await make({
      onFrame: ({ type, stream }, peer) => {
        if (type === frameTypes.request) peer.send(frameTypes.data, stream, Buffer.of(1, 0x78));
      },
    });
    const stream = await tools.exec(command, async () => await Promise.reject(new Error('full')));
    await expect(stream.result).rejects.toThrow('full');
    await until(() => fake.frames.at(-1)?.type === frameTypes.close);
  });

  it('fails with the connection', async () => {
    const [tools] = await make({ onFrame: (_frame, peer) => peer.hangUp() });
    expect((await refused(run(tools))).code).toBe('GUEST_TOOLS_MISSING');
  });
});

describe('a hostile guest', () => {
  const chunk = Buffer.concat([Buffer.of(1), Buffer.alloc(30_000)]);

  it.each<[string, NonNullable<FakeToolsOptions['onFrame']>]>([
    [
      'floods a stream',
      ({ stream }, peer) => {
        for (let sent = 0; sent < 12; sent += 1) peer.send(frameTypes.data, stream, chunk);
      },
    ],
    ['sends nothing as output', ({ stream }, peer) => peer.send(frameTypes.data, stream, Buffer.of(1))],
    [
      'sends output without a channel',
      ({ stream }, peer) => peer.send(frameTypes.data, stream, Buffer.of(0, 1)),
    ],
    [
      'grants what it has not taken',
      ({ stream }, peer) => peer.send(frameTypes.credit, stream, Buffer.of(0, 0, 0, 0, 1)),
    ],
    ['grants nothing', ({ stream }, peer) => peer.send(frameTypes.credit, stream, Buffer.alloc(5))],
    ['ends no channel', ({ stream }, peer) => peer.send(frameTypes.end, stream)],
    ['asks for something', ({ stream }, peer) => peer.send(frameTypes.request, stream, Buffer.from('{}'))],
    ['opens a stream', (_frame, peer) => peer.send(frameTypes.data, 99, chunk)],
    [
      'says nonsense at the end',
      ({ stream }, peer) => peer.send(frameTypes.done, stream, { exitCode: 1, signal: 2 }),
    ],
    [
      'has a strange exit code',
      ({ stream }, peer) => peer.send(frameTypes.done, stream, { exitCode: 1e9, signal: null }),
    ],
    ['refuses without words', ({ stream }, peer) => peer.send(frameTypes.failed, stream, { code: 1 })],
    ['sends what is no frame', (_frame, peer) => peer.raw(Buffer.alloc(100, 0xff))],
  ])('that %s ends its connection only', async (_what, onFrame) => {
    const [tools, fake] = await make({ onFrame });
    const never = async (): Promise<void> => await new Promise<never>(() => undefined);
    const stream = await tools.exec(command, never);
    expect((await refused(stream.result)).code).toBe('GUEST_FAILED');
    expect(await tools.hello()).toEqual(goodHello);
    expect(fake.connections()).toBe(2);
  });

  it('that changes the channel at each byte uses little memory, and loses nothing', async () => {
    const bytes = 20_000;
    const [tools] = await make({
      onFrame: ({ type, stream }, peer) => {
        if (type !== frameTypes.request) return;
        const frames = [1, 2].map((channel) => peer.frame(frameTypes.data, stream, Buffer.of(channel, 0x78)));
        peer.raw(Buffer.concat(Array.from({ length: bytes / 2 }, () => frames).flat()));
        peer.send(frameTypes.done, stream, { exitCode: 0, signal: null });
      },
    });
    const result = await run(tools);
    expect([result.stdout.length, result.stderr.length]).toEqual([bytes / 2, bytes / 2]);
  });
});
