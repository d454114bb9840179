import { describe, expect, it } from 'vitest';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import { goodHello, type FakeToolsPeer } from '../../../test/support/fake-tools.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { frameTypes } from '../../guest/tools/frames.ts';
import { guestInfoLimits } from '../../model/guest-info.ts';
import { changeGuestInfo, showGuestInfo } from '../inside/guest-info.ts';
import { changeSettings } from '../library/settings.ts';
import { stop } from '../power/stop.ts';
import { adoptAll } from '../recovery/adopt.ts';

const world = useWorld();
const services = [...goodHello.services, 'guestinfo'];
const keys = ['guestinfo.role = "web"', 'GuestInfo.ovfEnv = "<a/>"', 'secret = "x"'];

/** A guest whose kame-tools ask for variables. */
class Asking {
  /** What the host has answered, in order. */
  readonly replies: unknown[] = [];
  readonly requests: string[] = [];
  #peer: FakeToolsPeer | undefined;
  #stream = 0;
  #text = '';

  readonly options = {
    hello: { ...goodHello, services },
    onFrame: (
      { type, stream, payload }: { type: number; stream: number; payload: Buffer },
      peer: FakeToolsPeer,
    ) => {
      if (type === frameTypes.request) {
        this.requests.push(payload.toString());
        [this.#peer, this.#stream, this.#text] = [peer, stream, ''];
      } else if (type === frameTypes.data) this.#take(payload.subarray(1).toString());
    },
  };

  #take(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    this.replies.push(...lines.map((line) => JSON.parse(line) as unknown));
  }

  say(text: string): void {
    const most = 30_000;
    for (let at = 0; at < text.length; at += most)
      this.#peer?.send(
        frameTypes.data,
        this.#stream,
        Buffer.concat([Buffer.of(1), Buffer.from(text.slice(at, at + most))]),
      );
  }

  async ask(operation: string, key: string, value = ''): Promise<unknown> {
    const before = this.replies.length;
    this.say(`${JSON.stringify({ operation, key, value })}\n`);
    await until(() => this.replies.length > before);
    return this.replies.at(-1);
  }
}

async function guest(): Promise<Asking> {
  const asking = new Asking();
  world().machine('demo', keys);
  world().engines.guest = { ...usualGuest, tools: asking.options };
  await world().start();
  await until(() => asking.requests.length === 1);
  return asking;
}

const variables = async () => (await showGuestInfo(world().host, 'demo')).variables;

describe('variables of a guest', () => {
  it('begin with those of the .vmx, and are the same for the guest and the host', async () => {
    const asking = await guest();
    expect(asking.requests).toEqual(['{"service":"guestinfo"}']);
    expect(await asking.ask('get', 'guestinfo.ovfenv')).toEqual({ value: '<a/>' });
    expect(await asking.ask('get', 'GUESTINFO.ROLE')).toEqual({ value: 'web' });
    expect(await asking.ask('get', 'guestinfo.none')).toEqual({});
    expect(await asking.ask('set', 'guestinfo.Role', 'é "quoted"\n')).toEqual({});
    expect(await asking.ask('get', 'guestinfo.role')).toEqual({ value: 'é "quoted"\n' });
    await changeGuestInfo(world().host, 'demo', { name: 'guestinfo.from.host', value: '1' });
    expect(await asking.ask('get', 'guestinfo.from.host')).toEqual({ value: '1' });
    await changeSettings(world().host, 'demo', [{ key: 'guestinfo.late', value: 'yes' }]);
    expect(await asking.ask('get', 'guestinfo.late')).toEqual({ value: 'yes' });
    expect(await variables()).toEqual({
      'guestinfo.role': 'é "quoted"\n',
      'guestinfo.ovfenv': '<a/>',
      'guestinfo.from.host': '1',
      'guestinfo.late': 'yes',
    });
  });

  it('outlive the daemon, but not the machine', async () => {
    const asking = await guest();
    await asking.ask('set', 'guestinfo.state', 'ready');
    await adoptAll(await world().replaceHost());
    await until(() => asking.requests.length === 2);
    expect(await asking.ask('get', 'guestinfo.state')).toEqual({ value: 'ready' });
    await stop(world().host, 'demo', { hard: true, timeoutMs: 1000 }, quiet);
    expect(await variables()).toEqual({ 'guestinfo.role': 'web', 'guestinfo.ovfenv': '<a/>' });
    const late = changeGuestInfo(world().host, 'demo', { name: 'guestinfo.a', value: 'b' });
    expect((await refused(late)).code).toBe('WRONG_STATE');
  });
});

describe('a guest', () => {
  it('gets nothing but its variables, and can set nothing else', async () => {
    const asking = await guest();
    for (const key of [
      'secret',
      'displayName',
      'guestinfo',
      'guestinfo.',
      'guestinfo.a b',
      '__proto__',
      '',
    ]) {
      expect(await asking.ask('get', key)).toEqual({ failed: like(/variables guestinfo/) });
      expect(await asking.ask('set', key, 'x')).toEqual({ failed: like(/no variable of guests/) });
    }
  });

  it('cannot fill the host', async () => {
    const asking = await guest();
    const long = 'x'.repeat(guestInfoLimits.valueBytes + 1);
    expect(await asking.ask('set', 'guestinfo.big', long)).toEqual({ failed: like(/at most 64 KiB/) });
    expect(await asking.ask('set', 'guestinfo.big', long.slice(1))).toEqual({});
  });

  it('may be forbidden to set any', async () => {
    const asking = await guest();
    await stop(world().host, 'demo', { hard: true, timeoutMs: 1000 }, quiet);
    await changeSettings(world().host, 'demo', [{ key: 'isolation.tools.setInfo.disable', value: 'TRUE' }]);
    await world().start();
    await until(() => asking.requests.length === 2);
    expect(await asking.ask('set', 'guestinfo.a', 'x')).toEqual({ failed: like(/setInfo.disable is TRUE/) });
    expect(await asking.ask('get', 'guestinfo.role')).toEqual({ value: 'web' });
  });

  it('that does not keep to the protocol is heard again after a pause', async () => {
    const asking = await guest();
    asking.say('{\n');
    await until(() => asking.requests.length === 2);
    expect(await asking.ask('get', 'guestinfo.role')).toEqual({ value: 'web' });
  });
});
