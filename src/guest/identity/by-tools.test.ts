import { describe, expect, it } from 'vitest';
import { KameError } from '../../core/errors.ts';
import { operationFailed } from '../tools/operation-reply.ts';
import type { ToolsOperation } from '../tools/messages.ts';
import { applyIdentity, type IdentityGuest, type IdentityOptions } from './identity.ts';
import { identityStepNames } from './script.ts';

type Answer = (operation: ToolsOperation) => unknown;

const names = identityStepNames(1);
const fine = names.map((name) => (name === 'host-keys' ? 'host-keys=ok:rsa' : `${name}=ok`)).join('\n');
const all = (): unknown => ({ report: fine, now: Date.now() });
const placed = (): unknown => ({ report: 'host-key-rsa=ok\nsshd=ok\n', now: Date.now() });
const options: IdentityOptions = {
  hostName: 'clone-1',
  macs: [{ old: '00:0C:29:00:00:01', new: '00:0c:29:00:00:02' }],
  makeKey: async (type, comment) => ({
    type,
    privateKey: `secret of ${type}\n`,
    publicKey: `public ${comment}`,
    fingerprint: `SHA256:${type}`,
  }),
};

/** A guest whose kame-tools answer like this, in order, and what was asked of it. */
function guestOf(...answers: Answer[]) {
  const operations: ToolsOperation[] = [];
  const agentCalls: string[] = [];
  const guest: IdentityGuest = {
    agent: {
      osInfo: async () => ({ id: 'debian' }),
      time: async () => {
        agentCalls.push('time');
        return new Date();
      },
      setTime: async () => void agentCalls.push('setTime'),
      exec: async ({ onStdout }) => {
        agentCalls.push('exec');
        await onStdout?.(Buffer.from(`${fine.replace('ok:rsa', 'skipped')}\n`));
        return { exitCode: 0, signal: null, streamed: true, truncated: false };
      },
    },
    tools: {
      operate: async (operation) => {
        operations.push(operation);
        return await Promise.resolve(answers.shift()?.(operation));
      },
    },
  };
  return { guest, operations, agentCalls };
}

const thrown = (error: KameError) => (): never => {
  throw error;
};

describe('a new identity by kame-tools', () => {
  it('is given in two requests, and nothing is asked of the agent', async () => {
    const { guest, operations, agentCalls } = guestOf(all, placed);
    const report = await applyIdentity(guest, options);
    expect(report.steps.every(({ result }) => result === 'ok')).toBe(true);
    expect(report.hostKeys).toEqual([{ type: 'rsa', fingerprint: 'SHA256:rsa' }]);
    expect(operations).toMatchObject([
      {
        operation: 'identity',
        hostName: 'clone-1',
        machineId: report.machineId,
        cards: [{ old: '00:0c:29:00:00:01', new: '00:0c:29:00:00:02' }],
        seed: expect.stringMatching(/^[A-Za-z0-9+/=]{88}$/),
        now: expect.any(Number),
        leaseWithin: 0,
      },
      {
        operation: 'hostKeys',
        keys: [{ type: 'rsa', privateKey: 'secret of rsa\n', publicKey: 'public root@clone-1' }],
      },
    ]);
    expect(agentCalls).toEqual([]);
  });

  it('leaves the clock alone if it is told to', async () => {
    const { guest, operations, agentCalls } = guestOf(all, placed);
    const { steps } = await applyIdentity(guest, { ...options, keepsClock: true });
    expect(operations[0]).toMatchObject({ now: null });
    expect(steps[0]).toMatchObject({ name: 'clock', result: 'skipped' });
    expect(agentCalls).toEqual([]);
  });

  it.each([
    ['tells another time', () => ({ report: fine, now: Date.now() - 3000 })],
    ['tells no time', () => ({ report: fine })],
    ['could not set it', () => ({ report: fine.replace('clock=ok', 'clock=failed:no'), now: Date.now() })],
  ])('has the agent see to the clock when the guest %s', async (_what, answer) => {
    const { guest, agentCalls } = guestOf(answer, placed);
    const { steps } = await applyIdentity(guest, options);
    expect(steps[0]).toEqual({ name: 'clock', result: 'ok' });
    expect(agentCalls).toEqual(['time']);
  });

  it.each([
    ['do not know it', thrown(operationFailed('unknownOperation', 'what?'))],
    ['are gone', thrown(new KameError('GUEST_TOOLS_MISSING', 'gone'))],
    ['say nothing', () => ({})],
    ['say too much', () => ({ report: 'x'.repeat(20_000), now: 0 })],
  ])('is given by the agent when they %s', async (_what, answer) => {
    const { guest, agentCalls } = guestOf(answer);
    const { steps } = await applyIdentity(guest, options);
    expect(steps.every(({ result }) => result !== 'failed')).toBe(true);
    expect(agentCalls).toContain('exec');
  });

  it('that takes too long is not begun by somebody else', async () => {
    const { guest, agentCalls } = guestOf(thrown(new KameError('GUEST_TIMEOUT', 'late')));
    const { steps } = await applyIdentity(guest, options);
    expect(steps.slice(1).every(({ result, reason }) => result === 'failed' && reason === 'late')).toBe(true);
    expect(agentCalls).not.toContain('exec');
  });

  it('ends when it is cancelled', async () => {
    const { guest } = guestOf(thrown(new KameError('CANCELLED', 'enough')));
    await expect(applyIdentity(guest, options)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
