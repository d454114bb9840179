import { describe, expect, it } from 'vitest';
import { changed, connectedAgent, soon } from '../../../test/support/desktop-agents.ts';
import { vd, windowsBits, words } from '../../../test/support/fake-vdagent.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { maxContentBytes } from './clipboard-reads.ts';

const { signal } = new AbortController();
const text = 'text/plain';

describe('the clipboard of the guest', () => {
  it('is read as each of its types', async () => {
    const { guest, agent } = await connectedAgent();
    const picture = Buffer.from([0x89, 0x50, 0, 1, 2]);
    guest.copy({ 1: 'grüße 🐢', 2: picture, 99: 'unknown' });
    await changed(agent, () => agent.state.owner === 'guest');
    expect(agent.state).toEqual({ owner: 'guest', types: [text, 'image/png'] });
    expect((await agent.read(text, soon)).toString()).toBe('grüße 🐢');
    expect((await agent.read('image/png', soon)).equals(picture)).toBe(true);
    expect((await refused(agent.read('image/bmp', soon))).code).toBe('CLIPBOARD_EMPTY');
    expect(guest.received.find(({ type }) => type === vd.max)?.data).toEqual(words(maxContentBytes));
  });

  it('is read one request after the other', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'one', 2: 'two' });
    await changed(agent, () => agent.state.owner === 'guest');
    const both = await Promise.all([agent.read(text, soon), agent.read('image/png', soon)]);
    expect(both.map(String)).toEqual(['one', 'two']);
  });

  it('is read with 10 MiB', async () => {
    const { guest, agent } = await connectedAgent();
    const large = Buffer.alloc(10 * 1024 * 1024, 'abcdefg');
    guest.copy({ 1: large });
    await changed(agent, () => agent.state.owner === 'guest');
    expect((await agent.read(text, soon)).equals(large)).toBe(true);
  });

  it('is empty when the guest sends none of it, or lets go of it', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'here' });
    await changed(agent, () => agent.state.owner === 'guest');
    guest.content.clear();
    expect(await refused(agent.read(text, soon))).toMatchObject({
      code: 'CLIPBOARD_EMPTY',
      message: like(/sent nothing/),
    });
    guest.release();
    await changed(agent, () => agent.state.owner === 'none');
    expect((await refused(agent.read(text, soon))).code).toBe('CLIPBOARD_EMPTY');
  });

  it('is not that which the mouse selects', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'selected' }, 1);
    guest.copy({ 2: 'copied' });
    await changed(agent, () => agent.state.owner === 'guest');
    expect(agent.state.types).toEqual(['image/png']);
  });

  it('is refused when it is too large', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'x' });
    await changed(agent, () => agent.state.owner === 'guest');
    guest.content.clear();
    const reading = refused(agent.read(text, soon));
    await guest.until(() => guest.count(vd.request) === 1);
    expect(await reading).toMatchObject({ code: 'CLIPBOARD_EMPTY' });
    const size = maxContentBytes + 100;
    guest.content.set(1, Buffer.alloc(size));
    expect(await refused(agent.read(text, soon))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/limit is 64 MiB/),
    });
    // The connection is still in step.
    guest.content.set(1, Buffer.from('small'));
    expect(String(await agent.read(text, soon))).toBe('small');
  });

  it('is waited for until the deadline, the signal or the end of the agent', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'x' });
    await changed(agent, () => agent.state.owner === 'guest');
    guest.stall(true);
    expect((await refused(agent.read(text, { deadlineMs: 20, signal }))).code).toBe('GUEST_TIMEOUT');
    const stop = new AbortController();
    const cancelled = refused(agent.read(text, { deadlineMs: 10_000, signal: stop.signal }));
    stop.abort();
    expect((await cancelled).code).toBe('CANCELLED');
    const first = refused(agent.read(text, { deadlineMs: 10_000, signal }));
    const second = new AbortController();
    const queued = refused(agent.read(text, { deadlineMs: 10_000, signal: second.signal }));
    second.abort();
    expect((await queued).code).toBe('CANCELLED');
    // Its turn has begun: the request has been sent, and the guest does not answer.
    await new Promise((resolve) => setImmediate(resolve));
    agent.portChanged(false);
    expect((await first).code).toBe('GUEST_AGENT_MISSING');
  });
});

describe('content of the host', () => {
  it('is pasted in the guest, in chunks that an agent accepts', async () => {
    const { guest, agent } = await connectedAgent();
    const large = Buffer.alloc(1024 * 1024, '0123456789');
    await agent.offer({ type: text, data: large }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    expect(guest.hostKinds).toEqual([1]);
    expect((await guest.paste(1)).data.equals(large)).toBe(true);
    expect(guest.largestChunk).toBe(2048);
    expect(await guest.paste(2)).toEqual({ kind: 2, data: Buffer.alloc(0) });
    expect(agent.state).toEqual({ owner: 'host', types: [text] });
    expect((await agent.read(text, soon)).equals(large)).toBe(true);
    expect((await refused(agent.offer({ type: 'text/html', data: large }, soon))).code).toBe('INVALID_VALUE');
  });

  it('has the numbers that the agent expects, whoever grabs in between', async () => {
    const { guest, agent } = await connectedAgent();
    for (const round of [1, 2, 3]) {
      await agent.offer({ type: text, data: Buffer.from(`host ${round}`) }, soon);
      await agent.offer({ type: text, data: Buffer.from(`host again ${round}`) }, soon);
      await guest.until(() => guest.count(vd.grab) === 2 * round);
      guest.copy({ 1: `guest ${round}` });
      await changed(agent, () => agent.state.owner === 'guest');
    }
    expect(guest.refusedGrabs).toBe(0);
  });

  it('is grabbed again when both have grabbed at the same time', async () => {
    const { guest, agent } = await connectedAgent();
    const offered = agent.offer({ type: text, data: Buffer.from('host') }, soon);
    guest.copy({ 1: 'guest' });
    await offered;
    await guest.until(() => guest.hostKinds.length > 0);
    expect(guest.refusedGrabs).toBe(1);
    expect(agent.state.owner).toBe('host');
    expect(String((await guest.paste(1)).data)).toBe('host');
  });

  it('is pasted when the guest still asks for it, after a grab of its own that has crossed that of the host', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.offer({ type: text, data: Buffer.from('host') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    guest.copy({ 1: 'guest' });
    await changed(agent, () => agent.state.owner === 'guest');
    expect(String((await guest.paste(1)).data)).toBe('host');
    expect(agent.state).toEqual({ owner: 'host', types: [text] });
  });

  it('is offered to the next agent, over the same connection', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.offer({ type: text, data: Buffer.from('kept') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    agent.portChanged(false);
    expect(agent.present).toBe(false);
    guest.hostKinds = [];
    agent.portChanged(true);
    await agent.waitPresent(soon);
    await guest.until(() => guest.hostKinds.length > 0);
    expect([guest.connections, guest.refusedGrabs]).toEqual([1, 0]);
    expect(String((await guest.paste(1)).data)).toBe('kept');
  });

  it('is not the host’s any more when the guest copies what nobody here can read', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.offer({ type: text, data: Buffer.from('host') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    const told = changed(agent, () => agent.state.owner === 'none');
    guest.copy({ 99: 'x' });
    await told;
    expect(agent.state).toEqual({ owner: 'none', types: [] });
  });

  it('that the guest cannot be told of is given up at the deadline or the signal, and not offered later', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.offer({ type: text, data: Buffer.alloc(8 * 1024 * 1024, 'x') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    guest.stall(true);
    for (let times = 0; times < 8; times += 1)
      guest.send(vd.request, Buffer.concat([Buffer.from([0, 0, 0, 0]), words(1)]));
    // Its answers wait from now on.
    guest.copy({ 1: 'x' });
    await changed(agent, () => agent.state.owner === 'guest');
    const next = { type: text, data: Buffer.from('next') };
    expect((await refused(agent.offer(next, { deadlineMs: 50, signal }))).code).toBe('GUEST_TIMEOUT');
    const stop = new AbortController();
    const cancelled = refused(agent.offer(next, { deadlineMs: 10_000, signal: stop.signal }));
    stop.abort();
    expect((await cancelled).code).toBe('CANCELLED');
    expect(agent.state.owner).toBe('none');
  });

  it('is not sent without end to a guest that asks and does not read', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.offer({ type: text, data: Buffer.alloc(256 * 1024, 'x') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    guest.stall(true);
    const selection = Buffer.from([0, 0, 0, 0]);
    for (let count = 0; count < 1000; count += 1)
      guest.send(vd.request, Buffer.concat([selection, words(1)]));
    guest.copy({ 1: 'last' });
    await changed(agent, () => agent.state.owner === 'guest');
    guest.stall(false);
    expect(String(await agent.read(text, soon))).toBe('last');
    expect(guest.count(vd.clipboard)).toBe(8);
  });

  it('has the ends of lines of the guest', async () => {
    const { guest, agent } = await connectedAgent({ capabilities: windowsBits });
    await agent.offer({ type: text, data: Buffer.from('a\nb\r\nc') }, soon);
    await guest.until(() => guest.hostKinds.length > 0);
    expect(String((await guest.paste(1)).data)).toBe('a\r\nb\r\nc');
    guest.copy({ 1: 'x\r\ny' });
    await changed(agent, () => agent.state.owner === 'guest');
    expect(String(await agent.read(text, soon))).toBe('x\ny');
  });
});
