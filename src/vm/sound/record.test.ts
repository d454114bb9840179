import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../core/deferred.ts';
import { FakeRfb, type FakeRfbOptions } from '../../../test/support/fake-rfb.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { until, useWorld } from '../../../test/support/world.ts';
import { recordSound } from './record.ts';
import { framesIn, type SoundPart } from './track.ts';

const world = useWorld();
const format = { rate: 44_100, channels: 2, sampleBits: 16 };
const frames = (count: number) => Buffer.alloc(4 * count, 7);
const hour = 3_600_000;

async function started(more: readonly string[] = ['sound.present = "TRUE"']): Promise<void> {
  world().machine('demo', more);
  await world().start();
}

/** The display of the machine that runs. */
async function display(options: FakeRfbOptions = { sound: true }): Promise<FakeRfb> {
  const path = join(world().running().run.directory, 'vnc');
  rmSync(path, { force: true });
  const server = await FakeRfb.listen(path, options);
  onTestFinished(async () => await server[Symbol.asyncDispose]());
  return server;
}

/** A recording in progress, and what it has sent. `clock.ms` is the time that it sees. */
function begin(durationMs = hour) {
  const clock = { ms: 5000 };
  const stopped = new AbortController();
  const sent: (SoundPart | object)[] = [];
  const ended = recordSound(
    world().host,
    'demo',
    { durationMs },
    {
      signal: stopped.signal,
      send: async (part) => await Promise.resolve(void sent.push(part)),
      now: () => clock.ms,
    },
  );
  ended.catch(() => undefined);
  return { ended, sent, clock, stop: () => stopped.abort() };
}

describe('a recording', () => {
  it('has what the guest plays, at its time', async () => {
    await started();
    const server = await display();
    const { ended, sent, clock, stop } = begin();
    await until(() => server.soundRequests.length === 1);
    // 44.1 kHz, two channels, signed 16 bits; then: begin.
    expect(server.soundRequests).toEqual(['ff01000203020000ac44ff010000']);
    await until(() => sent.length === 1);
    clock.ms += 1000;
    server.soundNotice('begin');
    server.sound(frames(441));
    server.soundNotice('end');
    await until(() => sent.length === 3);
    clock.ms += 1000;
    stop();
    expect(await ended).toEqual({
      type: 'end',
      reason: 'stopped',
      frames: framesIn(2000),
      silent: framesIn(2000) - 441,
      dropped: 0,
    });
    expect(sent).toEqual([
      format,
      { silence: 44_100 },
      { sound: frames(441) },
      { silence: framesIn(2000) - 44_100 - 441 },
    ]);
    await server.untilLeft();
  });

  it('ends when it is as long as was asked for', async () => {
    await started();
    const server = await display();
    const { ended, sent } = begin(10);
    await until(() => server.soundRequests.length === 1);
    server.sound(frames(10_000));
    expect(await ended).toMatchObject({ reason: 'time', frames: 441 });
    expect(sent).toHaveLength(2);
  });

  it('of a guest that plays nothing is as long as was asked for, from when the engine has answered', async () => {
    await started();
    const server = await display({ sound: 'announced' });
    const { ended } = begin(1000);
    await server.soundAsked();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await vi.advanceTimersByTimeAsync(2000);
      await server.announceSound();
      await vi.advanceTimersByTimeAsync(1000);
      expect(await ended).toMatchObject({ reason: 'time', frames: 44_100, silent: 44_100 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the engine', async () => {
    await started();
    const server = await display();
    const { ended } = begin();
    await until(() => server.soundRequests.length === 1);
    await server[Symbol.asyncDispose]();
    expect(await ended).toMatchObject({ reason: 'engine', frames: 0 });
  });

  it('ends when its client fails', async () => {
    await started();
    const server = await display();
    const failing = recordSound(
      world().host,
      'demo',
      { durationMs: hour },
      { signal: new AbortController().signal, send: () => Promise.reject(new Error('gone')) },
    );
    await expect(failing).rejects.toThrow('gone');
    await server.untilLeft();
  });

  it('waits for a client that is slow, and drops what is too much', async () => {
    await started();
    const server = await display();
    const [reached, go] = [deferred(), deferred()];
    const sent: (SoundPart | object)[] = [];
    const stopped = new AbortController();
    const ended = recordSound(
      world().host,
      'demo',
      { durationMs: hour },
      {
        signal: stopped.signal,
        now: () => 0,
        send: async (part) => {
          sent.push(part);
          if ('sound' in part) reached.resolve();
          if ('sound' in part) await go.promise;
        },
      },
    );
    await until(() => server.soundRequests.length === 1);
    server.sound(frames(1));
    await reached.promise;
    const mebibyte = 1024 * 1024;
    for (let count = 0; count < 5; count += 1) server.sound(Buffer.alloc(mebibyte));
    server.raw(Buffer.from([99]));
    await server.untilLeft();
    go.resolve();
    await expect(ended).rejects.toThrow(/does not speak RFB/);
    expect(sent.filter((part) => 'sound' in part)).toHaveLength(5);
    expect(sent.at(-1)).toEqual({ silence: mebibyte / 4 });
  });

  it.each([
    ['more than can be', Buffer.from([255, 1, 0, 2, 0, 0x10, 0, 1])],
    ['half a frame', Buffer.from([255, 1, 0, 2, 0, 0, 0, 2, 0, 0])],
    ['an unknown notice', Buffer.from([255, 1, 0, 9])],
    ['another message of QEMU', Buffer.from([255, 0, 0, 0])],
  ])('fails when the engine sends %s', async (_what, bytes) => {
    await started();
    const server = await display();
    const { ended } = begin();
    await until(() => server.soundRequests.length === 1);
    server.raw(bytes);
    expect(await refused(ended)).toMatchObject({ code: 'ENGINE_FAILED' });
  });

  it('is refused for a machine that is not running', async () => {
    world().machine();
    expect(await refused(begin().ended)).toMatchObject({ code: 'WRONG_STATE' });
  });

  it.each([
    ['no sound card', ['sound.present = "FALSE"'], /demo has no sound card/, 'sound=on'],
    ['no display', ['sound.present = "TRUE"', 'svga.present = "FALSE"'], /demo has no display/, 'display=on'],
  ])('is refused for a machine with %s', async (_what, more, message, setting) => {
    await started(more);
    expect(await refused(begin().ended)).toMatchObject({
      code: 'WRONG_STATE',
      message: like(message),
      next: like(new RegExp(`kame set demo ${setting}`)),
    });
  });
});
