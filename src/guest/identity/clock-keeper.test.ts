import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../../core/deferred.ts';
import { KameError } from '../../core/errors.ts';
import { ClockKeeper } from './clock-keeper.ts';
import type { ClockAgent } from './clock.ts';

const refusal = () => new KameError('GUEST_FAILED', 'this feature or command is not currently supported');

/** A guest whose clock is `offset` ahead, in milliseconds. */
class Guest implements ClockAgent {
  offset = 0;
  readonly calls: string[] = [];
  /** Does not tell the time. */
  mute = false;
  /** A round trip takes this long, in milliseconds. */
  roundTrip = 0;
  held: Promise<void> | undefined;

  async time(): Promise<Date> {
    this.calls.push('time');
    await this.held;
    if (this.mute) throw refusal();
    vi.advanceTimersByTime(this.roundTrip / 2);
    const time = new Date(Date.now() + this.offset);
    vi.advanceTimersByTime(this.roundTrip / 2);
    return time;
  }

  setTime(time: Date): Promise<void> {
    this.calls.push('set');
    this.offset = time.getTime() - Date.now();
    return Promise.resolve();
  }

  exec(): Promise<never> {
    return Promise.reject(refusal());
  }
}

// The host's clock is stopped, so that a guest's differs from it by exactly what a test sets.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => vi.useRealTimers());

function guestAndKeeper(offset = 0): { guest: Guest; keeper: ClockKeeper } {
  const guest = new Guest();
  guest.offset = offset;
  return { guest, keeper: new ClockKeeper(guest) };
}

const may = { set: true };

describe('keeping the clock of a guest', () => {
  it.each([-86_400_000, -900, 900, 3_600_000])('sets one that is %i ms off', async (offset) => {
    const { guest, keeper } = guestAndKeeper(offset);
    expect(await keeper.check('usual', may)).toMatchObject({ result: 'ok', by: 'agent', wasMs: offset });
    expect([guest.offset, keeper.reading?.offsetMs]).toEqual([0, 0]);
  });

  it.each([-400, 600])('leaves one alone that is %i ms off, and tells that', async (offset) => {
    const { guest, keeper } = guestAndKeeper(offset);
    for (const occasion of ['usual', 'changed'] as const)
      expect(await keeper.check(occasion, may)).toEqual({ result: 'ok', by: 'kept', offsetMs: offset });
    expect([guest.offset, keeper.reading?.offsetMs]).toEqual([offset, offset]);
  });

  it('only reads one that must not be set', async () => {
    const { guest, keeper } = guestAndKeeper(-5000);
    await keeper.check('changed', { set: false });
    expect([guest.calls, keeper.reading?.offsetMs]).toEqual([['time'], -5000]);
  });

  it('sets one that nobody tells, but only after a change', async () => {
    const { guest, keeper } = guestAndKeeper(-5000);
    guest.mute = true;
    await keeper.check('usual', may);
    expect(guest.offset).toBe(-5000);
    expect(await keeper.check('changed', may)).toEqual({ result: 'ok', by: 'agent' });
    expect([guest.offset, keeper.reading]).toEqual([0, undefined]);
  });

  it('after a change also sets one that answers too late to be sure', async () => {
    const { guest, keeper } = guestAndKeeper(0);
    guest.roundTrip = 2000;
    expect(await keeper.check('usual', may)).toMatchObject({ by: 'kept' });
    await keeper.check('changed', may);
    expect(guest.calls).toContain('set');
  });

  it.each([
    ['until something changes', false],
    ['also if somebody looks at it all the time', true],
  ])('does not fight a time service of the guest that sets it back, %s', async (_when, isShown) => {
    const { guest, keeper } = guestAndKeeper();
    const outcomes: string[] = [];
    await keeper.check('usual', may);
    for (let round = 0; round < 6; round += 1) {
      guest.offset = 9000 + round;
      if (isShown) await keeper.read();
      outcomes.push((await keeper.check('usual', may)).by);
    }
    expect(outcomes).toEqual(['agent', 'agent', 'agent', 'agent', 'own', 'own']);
    expect(await keeper.check('changed', may)).toMatchObject({ by: 'agent' });
    expect(guest.offset).toBe(0);
  });

  it('keeps setting one that runs too slowly, however long that goes on', async () => {
    const { guest, keeper } = guestAndKeeper();
    for (let round = 0; round < 200; round += 1) {
      guest.offset -= 150;
      await keeper.check('usual', may);
      expect(Math.abs(guest.offset)).toBeLessThan(1000);
    }
  });

  it('makes one check after the other, and no usual one meanwhile', async () => {
    const { guest, keeper } = guestAndKeeper(-5000);
    const answer = deferred();
    guest.held = answer.promise;
    const first = keeper.check('changed', may);
    const second = keeper.check('changed', may);
    expect(await keeper.check('usual', may)).toEqual({ result: 'ok', by: 'kept' });
    answer.resolve();
    await Promise.all([first, second]);
    expect(guest.calls.filter((call) => call === 'set')).toEqual(['set']);
  });

  it('goes on after one that failed', async () => {
    const { guest, keeper } = guestAndKeeper(-5000);
    guest.held = Promise.reject(new KameError('GUEST_TIMEOUT', 'The guest did not answer.'));
    await expect(keeper.check('changed', may)).rejects.toThrow('did not answer');
    guest.held = undefined;
    await keeper.check('usual', may);
    expect(guest.offset).toBe(0);
  });
});
