import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  FakeSessionHelper,
  type FakeSessionHelperOptions,
} from '../../../test/support/fake-session-helper.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { until } from '../../../test/support/world.ts';
import { frameTypes } from '../tools/frames.ts';
import type { FakeToolsPeer } from '../../../test/support/fake-tools.ts';
import { maxContentBytes } from '../vdagent/clipboard-reads.ts';
import { SessionHelper } from './session-helper.ts';

const { signal } = new AbortController();
const soon = { deadlineMs: 10_000, signal };

async function open(options: FakeSessionHelperOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'kame-sh-'));
  const guest = await FakeSessionHelper.listen(join(directory, 'desktop'), options);
  const helper = new SessionHelper({ path: join(directory, 'desktop'), retryMs: 1 });
  onTestFinished(async () => {
    helper.close();
    await guest[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  helper.portChanged(true);
  return { guest, helper };
}

async function present(options: FakeSessionHelperOptions = {}) {
  const { guest, helper } = await open(options);
  await helper.waitKnown(soon);
  return { guest, helper };
}

const pieceBytes = 32_000;
const chunk = (peer: FakeToolsPeer, stream: number, data: Buffer) =>
  peer.send(frameTypes.data, stream, Buffer.concat([Buffer.of(1), data]));

describe('the helper in a session', () => {
  it('tells what is copied, and sends it when it is asked', async () => {
    const { guest, helper } = await present();
    expect(helper.state).toEqual({ owner: 'none', types: [] });
    const html = Buffer.from('<p>é</p>'.repeat(20_000));
    guest.copy({ 'text/html': html, 'text/plain': 'é' });
    await until(() => helper.state.owner === 'guest');
    expect(helper.state.types).toEqual(['text/html', 'text/plain']);
    expect((await helper.read('text/html', soon)).equals(html)).toBe(true);
    expect(String(await helper.read('text/plain', soon))).toBe('é');
    expect(await refused(helper.read('image/png', soon))).toMatchObject({
      code: 'CLIPBOARD_EMPTY',
      message: like(/no image\/png/),
    });
  });

  it('takes content of any type and size', async () => {
    const { guest, helper } = await present();
    const data = Buffer.alloc(1_000_000, 'x');
    await helper.offer({ type: 'text/html', data }, soon);
    expect(guest.offered?.type).toBe('text/html');
    expect(guest.offered?.data.equals(data)).toBe(true);
    await until(() => helper.state.owner === 'host');
  });

  it('changes the size of the display, and says why it does not', async () => {
    const { guest, helper } = await present();
    expect(helper.resizesDisplay).toBe(true);
    expect(await helper.resizeDisplay({ width: 1600, height: 900 }, soon)).toEqual({
      width: 1600,
      height: 900,
    });
    expect(guest.sizes).toEqual([{ width: 1600, height: 900 }]);
    const other = await present({ resizes: false });
    expect(await refused(other.helper.resizeDisplay({ width: 1, height: 1 }, soon))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/it cannot/),
    });
  });

  it('may have no part in the clipboard', async () => {
    const { helper } = await open({ services: ['info', 'display'] });
    // Nobody waits for it longer than that takes to say.
    await helper.waitKnown(soon);
    expect([helper.present, helper.resizesDisplay]).toEqual([false, true]);
  });

  it('is found again when it has ended, and is gone when the port is closed', async () => {
    const { guest, helper } = await present();
    let changes = 0;
    using _listening = helper.onChange(() => (changes += 1));
    guest.hangUp();
    await until(() => guest.connections === 2 && helper.present);
    expect(changes).toBeGreaterThan(1);
    helper.portChanged(false);
    expect([helper.present, helper.hello]).toEqual([false, undefined]);
    expect((await refused(helper.waitKnown({ ...soon, deadlineMs: 1 }))).code).toBe('GUEST_TOOLS_MISSING');
    helper.portChanged(true);
    await helper.waitKnown(soon);
    expect(guest.connections).toBe(3);
  });
});

describe('a hostile helper', () => {
  it.each([
    ['is no JSON', 'x'],
    ['has no owner', '{"types":[]}'],
    ['has another owner', '{"owner":"me","types":[]}'],
    ['has no types', '{"owner":"guest","types":"text/plain"}'],
    ['is deep', '{"owner":"guest","types":[[[["a/b"]]]]}'],
    ['has too many types', JSON.stringify({ owner: 'guest', types: Array(1000).fill('a/b') })],
    ['is too long', `{"owner":"guest","types":["${'a'.repeat(20_000)}`],
  ])('is disconnected when a state %s', async (_what, line) => {
    const { guest, helper } = await present();
    const before = guest.connections;
    guest.say(line);
    await until(() => guest.connections > before && helper.present);
    expect(helper.state).toEqual({ owner: 'none', types: [] });
  });

  it('cannot name types that nobody can ask for', async () => {
    const { guest, helper } = await present();
    guest.copy({ 'a b/c': '', '\u001b[2J/x': '', 'text/html; x=y': '', 'text/html': '' });
    await until(() => helper.state.owner === 'guest');
    expect(helper.state.types).toEqual(['text/html']);
    guest.copy({ evil: '' });
    await until(() => helper.state.owner === 'none');
  });

  it('cannot send more than the limit', { timeout: 60_000 }, async () => {
    let sent = 0;
    const fill = (peer: FakeToolsPeer, stream: number, bytes: number) => {
      for (let left = bytes; left > 0; left -= pieceBytes)
        chunk(peer, stream, Buffer.alloc(Math.min(left, pieceBytes)));
      sent += bytes;
    };
    const { helper } = await present({
      onRead: (peer, stream) => fill(peer, stream, 200_000),
      onCredit: (peer, stream, bytes) => {
        if (bytes > 1000) fill(peer, stream, bytes);
      },
    });
    expect(await refused(helper.read('text/html', { deadlineMs: 50_000, signal }))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/more than 64 MiB/),
    });
    expect(sent).toBeGreaterThan(maxContentBytes);
    expect(sent).toBeLessThan(maxContentBytes + 1_000_000);
  });

  it('is not waited for longer than asked', async () => {
    const { helper } = await present({ onRead: () => undefined });
    const limits = { deadlineMs: 20, signal };
    expect(await refused(helper.read('text/html', limits))).toMatchObject({ code: 'GUEST_TIMEOUT' });
    const stop = new AbortController();
    const reading = refused(helper.read('text/html', { deadlineMs: 10_000, signal: stop.signal }));
    stop.abort();
    expect((await reading).code).toBe('CANCELLED');
    // It is still there for other things.
    await helper.offer({ type: 'text/plain', data: Buffer.from('x') }, soon);
  });

  it('sends nothing, or a display without a size', async () => {
    const { helper } = await present({
      onRead: (peer, stream) => peer.send(frameTypes.done, stream, { exitCode: 0 }),
    });
    expect((await refused(helper.read('text/html', soon))).code).toBe('CLIPBOARD_EMPTY');
  });

  it('that floods is heard at a pace', async () => {
    const { guest, helper } = await present();
    let changes = 0;
    using _listening = helper.onChange(() => (changes += 1));
    for (let count = 0; count < 2000; count += 1) guest.copy({ 'text/plain': '' });
    guest.copy({ 'text/html': '' });
    await until(() => helper.state.types[0] === 'text/html');
    expect(changes).toBeLessThan(1000);
  });
});
