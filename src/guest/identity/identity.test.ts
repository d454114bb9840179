import { describe, expect, it } from 'vitest';
import { KameError } from '../../core/errors.ts';
import type { ExecOptions } from '../agent/exec.ts';
import { makeHostKey } from './host-keys.ts';
import { applyIdentity, type IdentityGuest, type IdentityOptions } from './identity.ts';

interface Guest {
  id?: string;
  /** What the scripts print, in order; an error is thrown. */
  answers: (string | Error)[];
  readonly scripts: ExecOptions[];
}

function agentOf(guest: Guest): IdentityGuest['agent'] {
  const exec = { exitCode: 0, signal: null, streamed: true, truncated: false };
  return {
    osInfo: async () => (guest.id === undefined ? {} : { id: guest.id }),
    time: async () => new Date(),
    setTime: async () => undefined,
    exec: async (options) => {
      guest.scripts.push(options);
      const answer = guest.answers.shift() ?? '';
      if (answer instanceof Error) throw answer;
      // In pieces, as the guest's output comes.
      for (let at = 0; at < answer.length; at += 7)
        await options.onStdout?.(Buffer.from(answer.slice(at, at + 7)));
      return exec;
    },
  };
}

const names = ['random', 'reseed', 'hostname', 'hosts', 'machine-id', 'dbus-machine-id', 'mac-0'];
const fine = [...names, 'network-files', 'lease'].map((name) => `${name}=ok`).join('\n');
const options: IdentityOptions = {
  hostName: 'clone-1',
  macs: [{ old: '00:0C:29:00:00:01', new: '00:0c:29:00:00:02' }],
};
const makeKey: IdentityOptions['makeKey'] = async (type, comment) => ({
  type,
  privateKey: `secret of ${type}\n`,
  publicKey: `public ${comment}`,
  fingerprint: `SHA256:${type}`,
});

describe('a new identity', () => {
  it('is given in two rounds, the keys in the second', async () => {
    const guest: Guest = {
      answers: [
        `clock=failed:invalid date\n${fine}\nhost-keys=ok:dsa,rsa,ed25519,../x\n`,
        'host-key-rsa=ok\nhost-key-ed25519=failed:no room\nsshd=ok\n',
      ],
      scripts: [],
    };
    const report = await applyIdentity({ agent: agentOf(guest) }, { ...options, makeKey });
    expect(report.steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      // What date could not do, the agent did.
      'clock ok',
      ...[...names, 'network-files', 'lease'].map((name) => `${name} ok`),
      'host-key-dsa skipped',
      'host-key-ed25519 failed',
      'host-key-rsa ok',
      'sshd ok',
    ]);
    expect(report.hostKeys).toEqual([{ type: 'rsa', fingerprint: 'SHA256:rsa' }]);
    expect(report.machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(guest.scripts).toHaveLength(2);
    expect(guest.scripts[0]?.input).toContain(`machine_id='${report.machineId}'`);
    expect(guest.scripts[0]?.input).toContain("cards='00:0c:29:00:00:01 00:0c:29:00:00:02 020c29fffe000001");
    expect(guest.scripts[1]?.input).toContain('secret of rsa');
    // Arguments and environments can be read by anybody in the guest.
    for (const script of guest.scripts) expect([script.args, script.env]).toEqual([undefined, undefined]);
    const { namesMs, clockMs, totalMs } = report.timings;
    expect([namesMs, clockMs, totalMs].toSorted((a, b) => a - b)).toEqual([namesMs, clockMs, totalMs]);
  });

  it('has its keys made while the script continues, and only once', async () => {
    const made: string[] = [];
    const guest: Guest = {
      answers: [`host-keys=ok:rsa\n${fine}\n`, 'host-key-rsa=ok\nsshd=ok\n'],
      scripts: [],
    };
    const agent = agentOf(guest);
    const seen: number[] = [];
    await applyIdentity(
      {
        agent: {
          ...agent,
          exec: async (given) => {
            const result = await agent.exec({
              ...given,
              onStdout: async (chunk) => {
                await given.onStdout?.(chunk);
                seen.push(made.length);
              },
            });
            seen.push(-1);
            return result;
          },
        },
      },
      {
        ...options,
        makeKey: async (type, comment) => {
          made.push(type);
          return await (makeKey ?? makeHostKey)(type, comment);
        },
      },
    );
    expect(made).toEqual(['rsa']);
    // A part of a line says nothing yet; they are begun before the script ends.
    expect(seen.slice(0, 3)).toEqual([0, 0, 1]);
  });

  it('does not accept endless output from a guest', async () => {
    const { steps } = await applyIdentity(
      { agent: agentOf({ answers: ['x'.repeat(20_000)], scripts: [] }) },
      options,
    );
    expect(steps.at(-1)).toMatchObject({ result: 'failed', reason: expect.stringContaining('more than') });
  });

  it('makes no keys for a guest that has none', async () => {
    const guest: Guest = { answers: [`host-keys=skipped:there are none\n${fine}\n`], scripts: [] };
    const report = await applyIdentity(
      { agent: agentOf(guest) },
      {
        ...options,
        makeKey: async () => await Promise.reject(new Error('a key was made')),
      },
    );
    expect(report.steps.at(-1)).toEqual({ name: 'host-keys', result: 'skipped', reason: 'there are none' });
    expect(guest.scripts).toHaveLength(1);
  });

  it('is only the clock in Windows', async () => {
    const guest: Guest = { id: 'mswindows', answers: [], scripts: [] };
    const { steps, ...report } = await applyIdentity({ agent: agentOf(guest) }, options);
    expect(steps[0]).toEqual({ name: 'clock', result: 'ok' });
    expect(new Set(steps.slice(1).map(({ result }) => result))).toEqual(new Set(['skipped']));
    expect(guest.scripts).toEqual([]);
    expect(report).not.toHaveProperty('machineId');
  });

  it('is reported as failed, except for the clock, by a guest that runs no programs', async () => {
    const off = new KameError('GUEST_AGENT_MISSING', 'The guest agent does not take guest-exec', {
      details: { command: 'guest-exec' },
    });
    const { steps } = await applyIdentity({ agent: agentOf({ answers: [off], scripts: [] }) }, options);
    expect(steps[0]).toEqual({ name: 'clock', result: 'ok' });
    expect(steps.slice(1).every(({ result, reason }) => result === 'failed' && reason === off.message)).toBe(
      true,
    );
  });

  it('throws when there is no answer', async () => {
    const gone = new KameError('GUEST_AGENT_MISSING', 'The connection was closed');
    const applying = applyIdentity({ agent: agentOf({ answers: [gone], scripts: [] }) }, options);
    await expect(applying).rejects.toBe(gone);
  });

  it.each<Partial<IdentityOptions>>([
    { hostName: '' },
    { hostName: '-a' },
    { hostName: 'a_b' },
    { hostName: 'a..b' },
    { hostName: "a'$(reboot)" },
    { hostName: 'a\n' },
    { hostName: 'a'.repeat(64) },
    { hostName: `${'a.'.repeat(32)}a` },
    { machineId: '0'.repeat(31) },
    { machineId: 'G'.repeat(32) },
    { machineId: `${'0'.repeat(32)}\n` },
    { macs: [{ old: '00:0c:29:00:00:01', new: '01:00:5e:00:00:01' }] },
    { macs: [{ old: '00:0c:29:00:00:01 x', new: '00:0c:29:00:00:02' }] },
    { macs: Array.from({ length: 11 }, () => ({ old: '00:0c:29:00:00:01', new: '00:0c:29:00:00:02' })) },
  ])('refuses %j before the guest is asked', async (change) => {
    const guest: Guest = { answers: [], scripts: [] };
    const applying = applyIdentity({ agent: agentOf(guest) }, { ...options, ...change });
    await expect(applying).rejects.toMatchObject({ code: 'INVALID_VALUE' });
    expect(guest.scripts).toEqual([]);
  });
});
