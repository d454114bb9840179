import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { shells, Tree, useTrees } from '../../../test/support/guest-tree.ts';
import { KameError } from '../../core/errors.ts';
import { assetText } from '../../sys/assets.ts';
import { setClock, type ClockAgent } from './clock.ts';

useTrees();

const refusal = () => new KameError('GUEST_FAILED', 'this feature or command is not currently supported');

interface Guest {
  /** Guest's time less the host's, in milliseconds. */
  offset: number;
  readonly calls: string[];
}

/** An agent of a guest whose clock is `offset` ahead. */
function agentOf(
  guest: Guest,
  does: {
    time?: 'refused';
    set?: 'refused' | 'complains' | 'ignored';
    date?: 'fraction' | 'seconds' | 'refused';
  } = {},
): ClockAgent {
  return {
    time: async () => {
      guest.calls.push('time');
      if (does.time) throw refusal();
      return new Date(Date.now() + guest.offset);
    },
    setTime: async (time) => {
      guest.calls.push('set');
      if (does.set === 'refused') throw refusal();
      if (does.set !== 'ignored') guest.offset = time.getTime() - Date.now();
      if (does.set === 'complains') throw new KameError('GUEST_FAILED', 'hwclock failed');
    },
    exec: async ({ args = [] }) => {
      guest.calls.push('date');
      if (does.date === undefined || does.date === 'refused') throw refusal();
      const time = Number(args.at(-1)) * 1000;
      // The program starts late, by more than what is thought at first.
      const start = Date.now() + 400;
      guest.offset = (does.date === 'seconds' ? Math.floor(time / 1000) * 1000 : time) - start;
      return { exitCode: 0, signal: null, streamed: true, truncated: false };
    },
  };
}

// The host's clock is stopped, so that a guest's differs from it by exactly what a test sets.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => vi.useRealTimers());

describe('setting the clock', () => {
  it('leaves one alone that is right', async () => {
    const guest: Guest = { offset: 40, calls: [] };
    expect(await setClock(agentOf(guest))).toMatchObject({ result: 'ok', by: 'kept' });
    expect(guest.calls).toEqual(['time']);
  });

  it('sets a wrong one by the agent', async () => {
    const guest: Guest = { offset: -3_600_000, calls: [] };
    const report = await setClock(agentOf(guest));
    expect(report).toMatchObject({ result: 'ok', by: 'agent' });
    expect(report.offsetMs).toBe(0);
  });

  it('trusts the clock rather than an agent that complains about its hwclock', async () => {
    const guest: Guest = { offset: 9e6, calls: [] };
    expect(await setClock(agentOf(guest, { set: 'complains' }))).toMatchObject({ result: 'ok', by: 'agent' });
    expect(guest.calls).not.toContain('date');
  });

  it('sets it by date where the agent has no hwclock, and learns how late date is', async () => {
    const guest: Guest = { offset: 9e6, calls: [] };
    const report = await setClock(agentOf(guest, { set: 'refused', date: 'fraction' }));
    expect(report).toMatchObject({ result: 'ok', by: 'date' });
    expect(guest.calls.filter((call) => call === 'date')).toHaveLength(2);
  });

  it('takes it for right when a busy guest gets no nearer than some tenths of a second', async () => {
    const guest: Guest = { offset: 9e6, calls: [] };
    const agent = agentOf(guest);
    const setTime: ClockAgent['setTime'] = async (time) => {
      guest.offset = time.getTime() - Date.now() - 240;
      await Promise.resolve();
    };
    const report = await setClock({ ...agent, setTime });
    expect(report).toEqual({ result: 'ok', by: 'agent', offsetMs: -240 });
    expect(guest.calls).toContain('date');
  });

  it.each(['refused', 'ignored'] as const)('reports that nothing helped: set-time is %s', async (set) => {
    const guest: Guest = { offset: 9e6, calls: [] };
    const report = await setClock(agentOf(guest, { set, date: 'refused' }));
    expect(report).toMatchObject({ result: 'failed', by: 'nobody' });
    expect(report.reason).toMatch(set === 'refused' ? /not currently supported/ : /9000000 ms from/);
    expect(report.offsetMs).toBe(9e6);
  });

  it('trusts an agent that sets the time but does not report it', async () => {
    const guest: Guest = { offset: 9e6, calls: [] };
    expect(await setClock(agentOf(guest, { time: 'refused' }))).toEqual({ result: 'ok', by: 'agent' });
  });

  it('throws when there is no answer', async () => {
    const silent: ClockAgent = {
      ...agentOf({ offset: 0, calls: [] }),
      time: async () => await Promise.reject(new KameError('GUEST_AGENT_MISSING', 'silence')),
    };
    await expect(setClock(silent)).rejects.toMatchObject({ code: 'GUEST_AGENT_MISSING' });
  });
});

describe.each(shells)('the program that sets the date, in $name,', ({ shell }) => {
  const seconds = '1700000000.250';

  it('gives date the fraction of a second', () => {
    const tree = new Tree();
    tree.run([...shell, '-s', seconds], assetText('guest/identity/set-date.sh'));
    expect(tree.log).toEqual(['date -u -s @1700000000.250']);
  });

  it('gives a date that refuses it whole seconds', () => {
    const tree = new Tree();
    tree.fake('date', 'case $3 in *.*) exit 1 ;; esac');
    tree.run([...shell, '-s', seconds], assetText('guest/identity/set-date.sh'));
    expect(tree.log).toEqual(['date -u -s @1700000000.250', 'date -u -s @1700000000']);
  });
});
