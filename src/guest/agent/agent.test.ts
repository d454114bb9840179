import { describe, expect, it } from 'vitest';
import { fakeAgent, type FakeHandler, type FakeReply } from '../../../test/support/fake-agent.ts';
import { codeOf } from '../../../test/support/refused.ts';
import { GuestAgent } from './agent.ts';

const pong: FakeHandler = () => ({ value: {} });

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
