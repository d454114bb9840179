import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { deferred } from '../../core/deferred.ts';
import { PortTail } from '../../guest/transfer/port-tail.ts';
import { Relay } from './relay.ts';

const { signal } = new AbortController();
const silenceMs = 10_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A port from which nothing more comes after that. */
async function* port(...parts: Buffer[]): AsyncGenerator<Buffer> {
  yield* parts;
  await deferred().promise;
}

const token = '0a0b0c0d';
const endBlock = Buffer.from(`kame-end ${token} 0`.padEnd(511) + '\n');

describe('the rest of a copy, when its program has ended', () => {
  it('is waited for as long as the client takes', async () => {
    const taken = deferred();
    const parts = [Buffer.alloc(1024, 1), endBlock];
    const relay = new Relay(port(...parts), new PortTail(token), async () => await taken.promise);
    const ended = relay.end(silenceMs, signal);
    await vi.advanceTimersByTimeAsync(10 * silenceMs);
    taken.resolve();
    expect(await ended).toBe(1024);
  });

  it('does not come from a guest that is silent', async () => {
    const relay = new Relay(port(Buffer.alloc(512)), new PortTail(token), () => Promise.resolve());
    const ended = refused(relay.end(silenceMs, signal));
    await vi.advanceTimersByTimeAsync(2 * silenceMs);
    expect(await ended).toMatchObject({ code: 'GUEST_FAILED', next: 'Copy again.' });
  });

  it('is not waited for after the signal', async () => {
    const stop = new AbortController();
    const relay = new Relay(port(), new PortTail(token), () => Promise.resolve());
    const ended = refused(relay.end(silenceMs, stop.signal));
    stop.abort();
    expect((await ended).code).toBe('CANCELLED');
  });
});
