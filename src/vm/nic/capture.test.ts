import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deferred } from '../../core/deferred.ts';
import { refused } from '../../../test/support/refused.ts';
import { until, useWorld } from '../../../test/support/world.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { CaptureQueue } from './capture-queue.ts';
import { capture } from './capture.ts';

const world = useWorld();

/** A capture in progress, and what it has sent. */
function begin(request: { nic?: number; maxBytes?: number } = {}) {
  const stopped = new AbortController();
  const sent: Buffer[] = [];
  const ended = capture(
    world().host,
    'demo',
    { nic: 0, ...request },
    { signal: stopped.signal, send: async (data) => await Promise.resolve(void sent.push(data)) },
  );
  return { ended, stop: () => stopped.abort(), bytes: () => Buffer.concat(sent).length };
}

const frameBytes = 16 + 60;

describe('a capture', () => {
  it('has the frames until it is stopped, and leaves nothing behind', async () => {
    world().machine();
    const { nics } = await world().start();
    const run = world().running().run.directory;
    const before = readdirSync(run).sort();
    const { ended, stop, bytes } = begin();
    await until(() => nics.captures.size === 1);
    nics.send(60);
    nics.send(60);
    await until(() => bytes() === 24 + 2 * frameBytes);
    stop();
    expect(await ended).toEqual({
      type: 'end',
      reason: 'stopped',
      frames: 2,
      bytes: 24 + 2 * frameBytes,
      dropped: 0,
    });
    expect(nics.captures.size).toBe(0);
    expect(readdirSync(run).sort()).toEqual(before);
  });

  it('ends before its file exceeds the largest size', async () => {
    world().machine();
    const { nics } = await world().start();
    const { ended } = begin({ maxBytes: 24 + frameBytes + 10 });
    await until(() => nics.captures.size === 1);
    nics.send(60);
    nics.send(60);
    expect(await ended).toMatchObject({ reason: 'size', frames: 1, bytes: 24 + frameBytes });
    expect(nics.captures.size).toBe(0);
  });

  it('ends with the engine', async () => {
    world().machine();
    const engine = await world().start();
    const { ended } = begin();
    await until(() => engine.nics.captures.size === 1);
    for (const id of [...engine.nics.captures.keys()]) engine.nics.removeObject(id);
    expect(await ended).toMatchObject({ reason: 'engine', frames: 0 });
  });

  it('ends when its client fails', async () => {
    world().machine();
    const { nics } = await world().start();
    const { signal } = new AbortController();
    const send = () => Promise.reject(new Error('gone'));
    await expect(capture(world().host, 'demo', { nic: 0 }, { signal, send })).rejects.toThrow('gone');
    expect(nics.captures.size).toBe(0);
  });

  it('is refused for a machine that is not running, and for an adapter that does not exist', async () => {
    world().machine();
    expect((await refused(begin().ended)).code).toBe('WRONG_STATE');
    await world().start();
    expect((await refused(begin({ nic: 3 }).ended)).code).toBe('NO_SUCH_NIC');
  });

  it('is removed by the next daemon after a kill', async () => {
    world().machine();
    const { nics } = await world().start();
    const { ended, stop } = begin();
    await until(() => nics.captures.size === 1);
    world().abandonHost(ended);
    await adoptAll(world().host);
    expect(nics.captures.size).toBe(0);
    stop();
  });
});

describe.runIf(existsSync('/proc/self/fd'))('the pipe of a capture', () => {
  it('has no name: nobody else can open it, and a dead daemon leaves nothing', async () => {
    world().machine();
    const engine = await world().start();
    const reached = world().engines.troubles.hang('object-add');
    const { ended } = begin();
    await reached.reached;
    expect(readdirSync(world().running().run.directory).filter((name) => name.startsWith('c'))).toEqual([]);
    world().engines.troubles.clear();
    world().abandonHost(ended);
    expect(engine.alive).toBe(true);
  });
});

describe('CaptureQueue', () => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4);
  const frame = Buffer.alloc(frameBytes);
  frame.writeUInt32LE(60, 8);

  it('drops frames while a client is too slow, and counts them', async () => {
    const queue = new CaptureQueue(Number.POSITIVE_INFINITY, 24 + 2 * frameBytes);
    queue.push(header);
    for (let count = 0; count < 5; count += 1) queue.push(frame);
    expect([queue.frames, queue.dropped]).toEqual([2, 3]);
    expect((await queue.take())?.length).toBe(24 + 2 * frameBytes);
    queue.push(frame);
    queue.end();
    expect((await queue.take())?.length).toBe(frameBytes);
    expect(await queue.take()).toBeUndefined();
  });

  it('wakes whoever waits', async () => {
    const queue = new CaptureQueue(Number.POSITIVE_INFINITY);
    const taken = deferred<Buffer | undefined>();
    void queue.take().then(taken.resolve);
    queue.push(header);
    expect(await taken.promise).toEqual(header);
  });
});
