import { describe, expect, it } from 'vitest';
import { changed, connectedAgent, openAgent, soon } from '../../../test/support/desktop-agents.ts';
import { packed, vd, words } from '../../../test/support/fake-vdagent.ts';
import { refused } from '../../../test/support/refused.ts';

const { signal } = new AbortController();
const text = 'text/plain';

describe('a desktop agent', () => {
  it('that starts is asked once, and what comes before its answer is left out', async () => {
    const { guest, agent } = await openAgent({ silent: true });
    agent.portChanged(true);
    await guest.until(() => guest.count(vd.caps) === 1);
    guest.copy({ 1: 'stale' });
    guest.announce(true);
    guest.announce(false);
    await agent.waitPresent(soon);
    expect([agent.state.owner, guest.count(vd.caps)]).toEqual(['none', 1]);
    expect(agent.resizesDisplay).toBe(true);
  });

  it('that begins anew is asked again', async () => {
    const { guest, agent } = await connectedAgent();
    guest.copy({ 1: 'x' });
    await changed(agent, () => agent.state.owner === 'guest');
    guest.announce(true);
    await changed(agent, () => !agent.present);
    await agent.waitPresent(soon);
    expect(agent.state.owner).toBe('none');
  });

  it('that is silent is not waited for without end', async () => {
    const { agent } = await openAgent({ silent: true });
    agent.portChanged(true);
    const stop = new AbortController();
    expect(await refused(agent.waitPresent({ deadlineMs: 20, signal }))).toMatchObject({
      code: 'GUEST_AGENT_MISSING',
    });
    stop.abort();
    expect((await refused(agent.waitPresent({ deadlineMs: 20, signal: stop.signal }))).code).toBe(
      'CANCELLED',
    );
    expect((await refused((await openAgent()).agent.resizeDisplay({ width: 1, height: 1 }))).code).toBe(
      'GUEST_AGENT_MISSING',
    );
  });

  it('that breaks the protocol is disconnected, and may come again', async () => {
    const { guest, agent } = await connectedAgent();
    guest.raw(words(9, 9, 9));
    await changed(agent, () => !agent.present);
    expect(agent.breach?.message).toMatch(/broke the protocol/);
    await guest.until(() => guest.connections === 2);
    await agent.waitPresent(soon);
  });

  it('that sends what nobody asked for is not listened to', async () => {
    const { guest, agent } = await connectedAgent();
    for (const type of [0, 1, 3, 5, 77, 0xff_ff_ff_ff]) guest.send(type, Buffer.alloc(64));
    for (const type of [vd.grab, vd.request, vd.clipboard, vd.release, vd.caps]) {
      for (const size of [0, 1, 3, 4, 5, 7]) guest.send(type, Buffer.alloc(size));
    }
    guest.send(vd.clipboard, Buffer.alloc(1024 * 1024));
    guest.send(vd.grab, Buffer.alloc(5000));
    guest.raw(packed(4, Buffer.alloc(10), 2));
    guest.copy({ 1: 'still here' });
    await changed(agent, () => agent.state.types.includes(text));
    expect(String(await agent.read(text, soon))).toBe('still here');
  });

  it('is asked for the size of the display', async () => {
    const { guest, agent } = await connectedAgent();
    await agent.resizeDisplay({ width: 1600, height: 900 });
    await guest.until(() => guest.count(vd.monitors) === 1);
    expect(guest.received.at(-1)?.data).toEqual(words(1, 1, 900, 1600, 32, 0, 0));
  });
});
