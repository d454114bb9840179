import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeAgent, type FakeHandler } from '../../../test/support/fake-agent.ts';
import { codeOf } from '../../../test/support/refused.ts';
import type { ProgressReport } from '../../core/progress.ts';
import { GuestAgent } from './agent.ts';

const pong: FakeHandler = () => ({ value: {} });

describe('a hostile or broken agent', () => {
  it('causes a timeout when it never replies', async () => {
    await using fake = await fakeAgent({ 'guest-sync-delimited': () => 'silence' });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.ping({ deadlineMs: 50 }))).toBe('GUEST_AGENT_MISSING');
    agent.close();
  });

  it('is synchronised again after a call without reply, and a late reply is not used for the next call', async () => {
    let late: () => void = () => undefined;
    await using fake = await fakeAgent({
      'guest-get-time': (_args, socket) => {
        late = () => socket.write('{"return": 1700000000000000000}\n');
        return 'silence';
      },
      'guest-sync-delimited': ({ id }) => {
        late();
        return { raw: Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return":${String(id)}}\n`)]) };
      },
      'guest-get-osinfo': () => ({ value: { id: 'fresh' } }),
    });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.time({ deadlineMs: 50 }))).toBe('GUEST_TIMEOUT');
    expect(await agent.osInfo()).toEqual({ id: 'fresh' });
    agent.close();
  });

  it.each([
    ['garbage', 'this is not JSON\n'],
    ['a list', '[1, 2]\n'],
    ['neither return nor error', '{"event": "x"}\n'],
    ['deep nesting', `${'['.repeat(60_000)}\n`],
    ['complete deep nesting', `{"return":${'['.repeat(20_000)}${']'.repeat(20_000)}}\n`],
    ['thousands of values', `{"return":[${'[],'.repeat(20_000)}1]}\n`],
    ['a prototype', '{"__proto__": {"return": {}}}\n'],
    ['binary', Buffer.from([0, 1, 2, 0xfe, 0x0a])],
  ])('that sends %s fails the call and recovers', async (_name, raw) => {
    await using fake = await fakeAgent({ 'guest-get-osinfo': () => ({ raw }), 'guest-ping': pong });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.osInfo())).toBe('GUEST_FAILED');
    await agent.ping();
    expect(Object.hasOwn(Object.prototype, 'return')).toBe(false);
    agent.close();
  });

  it('that sends an endless reply is cut off, and recovers', async () => {
    await using fake = await fakeAgent({
      'guest-get-osinfo': () => ({ raw: 'x'.repeat(300_000) }),
      'guest-ping': pong,
    });
    const agent = new GuestAgent(fake);
    await expect(agent.osInfo()).rejects.toThrow(/exceeds 65536 bytes/);
    await agent.ping();
    agent.close();
  });

  it('keeps no later call waiting beyond its own deadline', async () => {
    await using fake = await fakeAgent({ 'guest-ping': () => 'silence', 'guest-get-osinfo': pong });
    const agent = new GuestAgent(fake);
    const slow = codeOf(agent.ping({ deadlineMs: 60_000 }));
    await expect.poll(() => fake.calls).toEqual(['guest-ping']);
    await expect(agent.osInfo({ deadlineMs: 20 })).rejects.toThrow('earlier calls did not finish');
    agent.close();
    expect(await slow).toBe('GUEST_AGENT_MISSING');
  });

  it('is reported after 2 s, once, and not when it answers in time', async () => {
    await using fake = await fakeAgent({ 'guest-ping': () => 'silence', 'guest-get-time': () => 'silence' });
    const agent = new GuestAgent(fake);
    const stages: string[] = [];
    const report = ({ stage }: ProgressReport) => void stages.push(stage);
    await agent.waitReady({ report });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const ping = codeOf(agent.ping({ report, deadlineMs: 60_000 }));
    vi.advanceTimersByTime(2000);
    expect(stages).toEqual(['Waiting for the guest agent']);
    agent.close();
    expect(await ping).toBe('GUEST_AGENT_MISSING');
  });

  it('answers the call whose turn it is when another one is cancelled', async () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    await using fake = await fakeAgent({
      'guest-ping': async () => {
        await answered;
        return { value: {} };
      },
    });
    const agent = new GuestAgent(fake);
    const ping = agent.ping();
    await expect.poll(() => fake.calls).toEqual(['guest-ping']);
    const controller = new AbortController();
    const waiting = agent.osInfo({ signal: controller.signal });
    controller.abort();
    expect(await codeOf(waiting)).toBe('CANCELLED');
    answer();
    await ping;
    agent.close();
  });

  it('that replies with other synchronisation numbers is not trusted', async () => {
    await using fake = await fakeAgent({
      'guest-sync-delimited': ({ id }) => ({
        raw: Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return":${Number(id) + 1}}\n`)]),
      }),
    });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.waitReady({ deadlineMs: 80 }))).toBe('GUEST_AGENT_MISSING');
    agent.close();
  });

  it('that ends in the middle of a reply fails the call', async () => {
    await using fake = await fakeAgent({ 'guest-get-osinfo': () => ({ end: '{"return": {"na' }) });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.osInfo())).toBe('GUEST_AGENT_MISSING');
    agent.close();
  });

  it('that does not support a command is reported together with the command', async () => {
    await using fake = await fakeAgent({});
    const agent = new GuestAgent(fake);
    await expect(agent.fsfreeze()).rejects.toMatchObject({
      code: 'GUEST_AGENT_MISSING',
      message: expect.stringContaining('guest-fsfreeze-freeze') as string,
    });
    agent.close();
  });

  it.each([
    ['osInfo', { id: 7 }],
    ['networkInterfaces', [{ name: 'x', 'ip-addresses': [{ 'ip-address': '1.2.3.4', prefix: 999 }] }]],
    ['networkInterfaces', Array.from({ length: 600 }, () => ({ name: 'x' }))],
    ['time', 'noon'],
    ['fsfreeze', 'two'],
  ] as const)('whose %s is malformed is rejected', async (method, value) => {
    const handler: FakeHandler = () => ({ value });
    await using fake = await fakeAgent({
      'guest-get-osinfo': handler,
      'guest-network-get-interfaces': handler,
      'guest-get-time': handler,
      'guest-fsfreeze-freeze': handler,
    });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent[method]())).toBe('GUEST_FAILED');
    agent.close();
  });

  it('is abandoned immediately when the caller cancels', async () => {
    await using fake = await fakeAgent({ 'guest-ping': () => 'silence' });
    const agent = new GuestAgent(fake);
    await agent.waitReady();
    const controller = new AbortController();
    const ping = agent.ping({ signal: controller.signal, deadlineMs: 60_000 });
    controller.abort();
    expect(await codeOf(ping)).toBe('CANCELLED');
    agent.close();
  });

  it('that does not exist is reported as such', async () => {
    const agent = new GuestAgent({ path: '/nonexistent/qga' });
    await expect(agent.ping({ deadlineMs: 20 })).rejects.toThrow(/nothing is listening/);
    agent.close();
  });
});
