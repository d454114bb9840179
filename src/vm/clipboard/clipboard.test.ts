import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClipboardStatus } from '../../api/clipboard.ts';
import { FakeVdagent, vd, type FakeVdagentOptions } from '../../../test/support/fake-vdagent.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { maxContentBytes } from '../../guest/vdagent/clipboard-reads.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { pause } from '../power/pause.ts';
import { readClipboard, showClipboard, writeClipboard } from './clipboard.ts';
import { watchClipboard } from './watch.ts';

const world = useWorld();
const { signal } = quiet;
let guest: FakeVdagent | undefined;

afterEach(async () => {
  await guest?.[Symbol.asyncDispose]();
  guest = undefined;
});

/** Starts a machine; its desktop agent is there as soon as `arrive` is called. */
async function begin(options: FakeVdagentOptions = {}): Promise<FakeVdagent> {
  world().machine();
  await world().start();
  guest = await FakeVdagent.listen(join(world().running().run.directory, 'spice'), options);
  return guest;
}

function arrive(open = true): void {
  world().engines.of('demo').event('VSERPORT_CHANGE', { id: 'vdagent0', open });
}

async function withAgent(options: FakeVdagentOptions = {}): Promise<FakeVdagent> {
  const agent = await begin(options);
  arrive();
  await until(() => world().running().channels.desktopAgent.present);
  return agent;
}

async function* parts(...texts: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

const read = async (type?: string) =>
  await readClipboard(world().host, 'demo', type === undefined ? {} : { type }, signal);
const write = async (chunks: AsyncIterable<Buffer>, more: { type?: string; sizeBytes?: number } = {}) =>
  await writeClipboard(world().host, 'demo', { type: 'text/plain', ...more }, { chunks, signal });
const owner = () => world().running().channels.desktopAgent.state.owner;

/** Changes the `.vmx`, as `kame set` does. */
function isolate(key: string): void {
  const { vmx } = world().running().names;
  writeFileSync(vmx, `${readFileSync(vmx, 'utf8')}isolation.tools.${key}.disable = "TRUE"\n`);
}

describe('the clipboard of a machine', () => {
  it('is read, set and shown', async () => {
    const agent = await withAgent();
    expect((await refused(read())).code).toBe('CLIPBOARD_EMPTY');
    agent.copy({ 2: 'picture', 1: 'text' });
    await until(() => owner() === 'guest');
    expect(await showClipboard(world().host, 'demo', signal)).toEqual({
      agent: true,
      owner: 'guest',
      types: ['text/plain', 'image/png'],
    });
    expect(await read()).toEqual({ type: 'text/plain', data: Buffer.from('text') });
    expect(String((await read('image/png')).data)).toBe('picture');
    expect(await refused(read('text/html'))).toMatchObject({
      code: 'CLIPBOARD_EMPTY',
      next: like(/text\/plain, image\/png/),
    });
    expect(await write(parts('from ', 'the host'))).toBe(13);
    await agent.until(() => agent.hostKinds.length > 0);
    expect(String((await agent.paste(1)).data)).toBe('from the host');
  });

  it('is not set with what it cannot take, and large content is refused before it is read', async () => {
    await withAgent();
    expect(await refused(write(parts()))).toMatchObject({
      code: 'INVALID_VALUE',
      message: like(/no content/),
    });
    expect((await refused(write(parts(Buffer.from([0xff, 0xfe]))))).message).toMatch(/not text/);
    expect(await write(parts(Buffer.from([0xff, 0xfe])), { type: 'image/png' })).toBe(2);
    let started = 0;
    const untouched = (async function* counted() {
      started += 1;
      yield await Promise.resolve(Buffer.from('x'));
    })();
    const large = { sizeBytes: maxContentBytes + 1 };
    expect(await refused(write(untouched, large))).toMatchObject({ message: like(/larger than 64 MiB/) });
    expect(started).toBe(0);
    const endless = (async function* more() {
      for (;;) yield await Promise.resolve(Buffer.alloc(8 * 1024 * 1024));
    })();
    expect((await refused(write(endless))).code).toBe('INVALID_VALUE');
  });

  it('obeys the keys of isolation, each in its direction', async () => {
    const agent = await withAgent();
    agent.copy({ 1: 'secret' });
    await until(() => owner() === 'guest');
    isolate('copy');
    expect(await refused(read())).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/isolation.tools.copy.disable/),
      next: like(/kame set demo isolation.tools.copy.disable=FALSE/),
    });
    expect((await refused(showClipboard(world().host, 'demo', signal))).code).toBe('WRONG_STATE');
    const send = async () => await Promise.resolve();
    expect((await refused(watchClipboard(world().host, 'demo', { signal, send }))).code).toBe('WRONG_STATE');
    expect(await write(parts('in'))).toBe(2);
    isolate('paste');
    expect((await refused(write(parts('in')))).message).toMatch(/Pasting into demo is disabled/);
    expect(agent.count(vd.request)).toBe(0);
  });

  it('needs a machine that runs, the port, and an agent that answers', async () => {
    await begin({ silent: true });
    expect(await refused(read())).toMatchObject({ code: 'GUEST_AGENT_MISSING', next: like(/spice-vdagent/) });
    await pause(world().host, 'demo', quiet);
    expect(await refused(read())).toMatchObject({ code: 'WRONG_STATE', next: like(/unpause/) });
    const machine = world().running();
    machine.record = { ...machine.record, hardware: 2 };
    expect(await refused(read())).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/saved without the port/),
      next: like(/kame restart demo/),
    });
  });

  it('is watched across agents that come and go, until the machine ends', async () => {
    const agent = await begin();
    const seen: ClipboardStatus[] = [];
    const watching = watchClipboard(world().host, 'demo', {
      signal,
      send: async (status) => {
        seen.push(status);
        await Promise.resolve();
      },
    });
    const last = () => seen.at(-1);
    await until(() => last()?.agent === false);
    arrive();
    await until(() => last()?.agent === true);
    agent.copy({ 1: 'x' });
    await until(() => last()?.owner === 'guest');
    arrive(false);
    await until(() => last()?.agent === false);
    expect(last()).toEqual({ agent: false, owner: 'none', types: [] });
    world().engines.of('demo').exit({ guest: true, reason: 'guest-shutdown' });
    await watching;
  });

  it('is watched no faster than it is told', async () => {
    const agent = await withAgent();
    const stop = new AbortController();
    let told = 0;
    const watching = watchClipboard(world().host, 'demo', {
      signal: stop.signal,
      send: async () => {
        told += 1;
        await Promise.resolve();
      },
    });
    await until(() => told === 1);
    for (let count = 0; count < 2000; count += 1) agent.copy({ 1: `${count}` });
    agent.copy({ 2: 'last' });
    await until(() => world().running().channels.desktopAgent.state.types[0] === 'image/png');
    stop.abort();
    await watching;
    expect(told).toBeLessThan(1000);
  });

  it('is there again for the next daemon, which asks the agent anew', async () => {
    const agent = await withAgent();
    await world().host.running.detachAll();
    await agent.until(() => !agent.connected);
    world().engines.of('demo').openPorts.add('vdagent');
    await world().replaceHost();
    await adoptAll(world().host);
    expect(await showClipboard(world().host, 'demo', signal)).toEqual({
      agent: true,
      owner: 'none',
      types: [],
    });
    expect(await write(parts('again'))).toBe(5);
    await agent.until(() => agent.hostKinds.length > 0);
    expect([agent.connections, agent.refusedGrabs]).toEqual([2, 0]);
  });
});
