import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClipboardStatus } from '../../api/clipboard.ts';
import {
  FakeSessionHelper,
  type FakeSessionHelperOptions,
} from '../../../test/support/fake-session-helper.ts';
import { FakeVdagent, vd } from '../../../test/support/fake-vdagent.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { readClipboard, showClipboard, writeClipboard } from './clipboard.ts';
import { watchClipboard } from './watch.ts';

const world = useWorld();
const { signal } = quiet;
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

const channels = () => world().running().channels;
const event = (id: string, open: boolean) =>
  world().engines.of('demo').event('VSERPORT_CHANGE', { id, open });

async function begin(): Promise<void> {
  world().machine();
  await world().start();
}

async function withAgent(): Promise<FakeVdagent> {
  const agent = await FakeVdagent.listen(join(world().running().run.directory, 'spice'));
  opened.push(agent);
  event('vdagent0', true);
  await until(() => channels().desktopAgent.present);
  return agent;
}

async function withHelper(options: FakeSessionHelperOptions = {}): Promise<FakeSessionHelper> {
  const helper = await FakeSessionHelper.listen(join(world().running().run.directory, 'tools2'), options);
  opened.push(helper);
  event('desktop0', true);
  return helper;
}

async function* parts(text: string): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(text));
}

const write = async (text: string, type = 'text/plain') =>
  await writeClipboard(world().host, 'demo', { type }, { chunks: parts(text), signal });
const read = async (type?: string) =>
  await readClipboard(world().host, 'demo', type === undefined ? {} : { type }, signal);
const show = async () => await showClipboard(world().host, 'demo', signal);

describe('the clipboard of a session with kame-tools', () => {
  it('is theirs, with types that the agent cannot carry', async () => {
    await begin();
    const agent = await withAgent();
    expect(await refused(write('<b>', 'text/html'))).toMatchObject({
      code: 'INVALID_VALUE',
      next: like(/kame tools/),
    });
    const helper = await withHelper();
    await until(() => channels().sessionHelper.present);
    expect(await write('<b>', 'text/html')).toBe(3);
    expect(helper.offered).toEqual({ type: 'text/html', data: Buffer.from('<b>') });
    await until(() => channels().sessionHelper.state.owner === 'host');
    expect(await show()).toEqual({ agent: true, owner: 'host', types: ['text/html'] });
    helper.copy({ 'text/html': '<i>', 'text/plain': 'i' });
    // What the agent sees in Xwayland does not count.
    agent.copy({ 1: 'of the agent' });
    await until(
      () =>
        channels().sessionHelper.state.owner === 'guest' && channels().desktopAgent.state.owner === 'guest',
    );
    expect(String((await read()).data)).toBe('i');
    expect(String((await read('text/html')).data)).toBe('<i>');
    expect(agent.count(vd.request)).toBe(0);
  });

  it('gets what the agent was given, and is given back to the agent when they end', async () => {
    await begin();
    const agent = await withAgent();
    await write('early');
    await agent.until(() => agent.count(vd.grab) === 1);
    const helper = await withHelper();
    await until(() => helper.offered !== undefined);
    expect(String(helper.offered?.data)).toBe('early');
    await agent.until(() => agent.count(vd.release) === 1);
    event('desktop0', false);
    await until(() => !channels().sessionHelper.present);
    await write('late');
    await agent.until(() => agent.count(vd.grab) === 2);
    expect(String((await agent.paste(1)).data)).toBe('late');
  });

  it('obeys the keys of isolation', async () => {
    await begin();
    const helper = await withHelper();
    await until(() => channels().sessionHelper.present);
    const { vmx } = world().running().names;
    const keys = ['copy', 'paste'].map((key) => `isolation.tools.${key}.disable = "TRUE"\n`);
    writeFileSync(vmx, `${readFileSync(vmx, 'utf8')}${keys.join('')}`);
    helper.copy({ 'text/html': 'secret' });
    const isolated = { code: 'WRONG_STATE', message: like(/isolation/) };
    expect(await refused(show())).toMatchObject(isolated);
    expect(await refused(read('text/html'))).toMatchObject(isolated);
    expect(await refused(write('in'))).toMatchObject(isolated);
    expect(helper.offered).toBeUndefined();
  });

  it('is waited for when they have just begun, but not if they have no part in it', async () => {
    await begin();
    const agent = await withAgent();
    agent.copy({ 1: 'text' });
    await until(() => channels().desktopAgent.state.owner === 'guest');
    const helper = await withHelper({ services: ['info', 'display'] });
    world().engines.of('demo').openPorts.add('desktop');
    await until(() => channels().sessionHelper.hello !== undefined);
    expect(String((await read()).data)).toBe('text');
    expect(helper.offered).toBeUndefined();
  });

  it('is there again for the next daemon, with what the host has put there', async () => {
    await begin();
    const helper = await withHelper();
    await until(() => channels().sessionHelper.present);
    await write('kept');
    await world().host.running.detachAll();
    helper.hangUp();
    world().engines.of('demo').openPorts.add('desktop');
    await world().replaceHost();
    await adoptAll(world().host);
    expect(await show()).toMatchObject({ agent: true });
    expect(await write('again')).toBe(5);
  });

  it('is watched across agents and kame-tools', async () => {
    await begin();
    const seen: ClipboardStatus[] = [];
    const stop = new AbortController();
    const watching = watchClipboard(world().host, 'demo', {
      signal: stop.signal,
      send: async (status) => await Promise.resolve(void seen.push(status)),
    });
    const agent = await withAgent();
    agent.copy({ 1: 'text' });
    await until(() => seen.at(-1)?.owner === 'guest');
    const helper = await withHelper();
    await until(() => seen.at(-1)?.owner === 'none');
    helper.copy({ 'text/html': '' });
    await until(() => seen.at(-1)?.types[0] === 'text/html');
    event('desktop0', false);
    await until(() => seen.at(-1)?.types[0] === 'text/plain');
    expect(seen.filter(({ agent }) => !agent).length).toBeLessThan(3);
    stop.abort();
    await watching;
  });
});
