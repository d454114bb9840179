import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeAgent, type FakeHandler, type FakeReply } from '../../../test/support/fake-agent.ts';
import { KameError } from '../../core/errors.ts';
import type { ProgressReport } from '../../core/progress.ts';
import { GuestAgent } from './agent.ts';

const pong: FakeHandler = () => ({ value: {} });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof KameError ? error.code : String(error);
  }
}

describe('a well-behaved agent', () => {
  it('replies to commands', async () => {
    await using fake = await fakeAgent({
      'guest-ping': pong,
      'guest-get-osinfo': () => ({
        value: { id: 'debian', 'pretty-name': 'Debian\u001b[31m GNU', machine: 'aarch64' },
      }),
      'guest-get-time': () => ({ value: 1_700_000_000_000_000_000 }),
      'guest-fsfreeze-freeze': () => ({ value: 2 }),
      'guest-network-get-interfaces': () => ({
        value: [
          {
            name: 'lo',
            'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4', prefix: 8 }],
          },
          {
            name: 'eth0',
            'hardware-address': '00:0C:29:aa:bb:cc',
            'ip-addresses': [
              { 'ip-address': 'fe80::1%eth0', 'ip-address-type': 'ipv6', prefix: 64 },
              { 'ip-address': '$(reboot)', 'ip-address-type': 'ipv4', prefix: 24 },
            ],
          },
        ],
      }),
    });
    const agent = new GuestAgent(fake);
    await agent.waitReady();
    await agent.ping();
    expect(await agent.osInfo()).toEqual({ id: 'debian', prettyName: 'Debian [31m GNU', machine: 'aarch64' });
    expect((await agent.time()).toISOString()).toBe('2023-11-14T22:13:20.000Z');
    expect(await agent.fsfreeze()).toBe(2);
    expect(await agent.networkInterfaces()).toEqual([
      { name: 'lo', addresses: [{ address: '127.0.0.1', family: 'ipv4', prefix: 8 }] },
      {
        name: 'eth0',
        mac: '00:0c:29:aa:bb:cc',
        addresses: [{ address: 'fe80::1', family: 'ipv6', prefix: 64 }],
      },
    ]);
    agent.close();
  });

  it('may send its reply byte by byte', async () => {
    await using fake = await fakeAgent({
      'guest-get-osinfo': async (_args, socket): Promise<FakeReply> => {
        for (const byte of Buffer.from('{"return": {"name": "schildkröte"}}\n')) {
          socket.write(Buffer.from([byte]));
          await new Promise(setImmediate);
        }
        return 'silence';
      },
    });
    const agent = new GuestAgent(fake);
    expect(await agent.osInfo()).toEqual({ name: 'schildkröte' });
    agent.close();
  });

  it('receives one call at a time, in order', async () => {
    let open = 0;
    let most = 0;
    const slow: FakeHandler = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise(setImmediate);
      open -= 1;
      return { value: {} };
    };
    await using fake = await fakeAgent({
      'guest-ping': slow,
      'guest-get-osinfo': () => ({ value: { id: 'x' } }),
    });
    const agent = new GuestAgent(fake);
    const results = await Promise.all([agent.ping(), agent.osInfo(), agent.ping()]);
    expect(results[1]).toEqual({ id: 'x' });
    expect(fake.calls).toEqual(['guest-ping', 'guest-get-osinfo', 'guest-ping']);
    expect(most).toBe(1);
    agent.close();
  });

  it('is reconnected after it restarts', async () => {
    let calls = 0;
    await using fake = await fakeAgent({
      'guest-ping': () => {
        calls += 1;
        return calls === 1 ? { end: '' } : { value: {} };
      },
    });
    const agent = new GuestAgent(fake);
    expect(await codeOf(agent.ping())).toBe('GUEST_AGENT_MISSING');
    await agent.ping();
    agent.close();
  });
});

describe('a shutdown', () => {
  it('succeeds without a reply and with a closed connection', async () => {
    for (const reply of ['silence', { end: '' }] as const) {
      await using fake = await fakeAgent({ 'guest-shutdown': () => reply });
      const agent = new GuestAgent(fake);
      await agent.shutdown('powerdown', { deadlineMs: 300 });
      expect(fake.calls).toEqual(['guest-shutdown']);
      agent.close();
    }
  });

  it('succeeds if the guest stops responding', async () => {
    let syncs = 0;
    await using fake = await fakeAgent({
      'guest-shutdown': () => 'silence',
      'guest-sync-delimited': ({ id }) => {
        syncs += 1;
        if (syncs > 1) return 'silence';
        return { raw: Buffer.concat([Buffer.from([0xff]), Buffer.from(`{"return":${String(id)}}\n`)]) };
      },
    });
    const agent = new GuestAgent(fake);
    await agent.shutdown('powerdown', { deadlineMs: 100 });
    expect(syncs).toBe(2);
    agent.close();
  });

  it('fails when the agent rejects it, and the next call works', async () => {
    await using fake = await fakeAgent({
      'guest-shutdown': () => ({ error: { class: 'GenericError', desc: 'no such mode' } }),
      'guest-ping': pong,
    });
    const agent = new GuestAgent(fake);
    await expect(agent.shutdown()).rejects.toThrow(/no such mode/);
    await agent.ping();
    agent.close();
  });
});

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
