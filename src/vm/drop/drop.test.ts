import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { archiveOf } from '../../../test/support/copies.ts';
import { FakeSessionHelper } from '../../../test/support/fake-session-helper.ts';
import {
  bits,
  FakeVdagent,
  usualBits,
  vd,
  type FakeVdagentOptions,
} from '../../../test/support/fake-vdagent.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { dropFiles } from './drop.ts';

const world = useWorld();
const directory = useTemporaryDirectory();
const opened: AsyncDisposable[] = [];
const channels = () => world().running().channels;

afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

async function begin(lines: readonly string[] = []): Promise<void> {
  world().machine('demo', lines);
  await world().start();
}

const arrive = (id: string) => world().engines.of('demo').event('VSERPORT_CHANGE', { id, open: true });

async function withAgent(options: FakeVdagentOptions = {}): Promise<FakeVdagent> {
  const agent = await FakeVdagent.listen(join(world().running().run.directory, 'spice'), options);
  opened.push(agent);
  arrive('vdagent0');
  await until(() => channels().desktopAgent.present);
  return agent;
}

async function withHelper(services?: readonly string[]): Promise<FakeSessionHelper> {
  const options = services ? { services } : {};
  const helper = await FakeSessionHelper.listen(join(world().running().run.directory, 'tools2'), options);
  opened.push(helper);
  arrive('desktop0');
  await until(() => channels().sessionHelper.present);
  return helper;
}

/** Files with these names and contents. */
function filesOf(contents: Readonly<Record<string, string | Buffer>>): string[] {
  return Object.entries(contents).map(([name, content]) => {
    const path = join(directory(), name);
    writeFileSync(path, content);
    return path;
  });
}

const drop = async (paths: readonly string[], signal = quiet.signal) =>
  await dropFiles(world().host, 'demo', {
    ...quiet,
    signal,
    archive: archiveOf(...paths),
    onRead: () => undefined,
  });

const large = Buffer.alloc(300_001, 'kame');
const contents = { 'a b=ü.txt': 'hello', empty: '', large };

describe('files that are dropped', () => {
  it('go through the agent of SPICE', async () => {
    await begin();
    const agent = await withAgent();
    const paths = filesOf(contents);
    expect(await drop(paths)).toEqual(Object.keys(contents).map((name) => ({ name, path: null })));
    expect([...agent.files.keys()]).toEqual(Object.keys(contents));
    expect(agent.files.get('large')?.equals(large)).toBe(true);
    expect(agent.largestChunk).toBeLessThanOrEqual(2048);
  });

  it('go to kame-tools where they take files', async () => {
    await begin();
    const agent = await withAgent();
    const helper = await withHelper();
    expect(await drop(filesOf(contents))).toEqual(
      Object.keys(contents).map((name) => ({ name, path: `/home/user/Downloads/${name}` })),
    );
    expect(helper.files.get('large')?.equals(large)).toBe(true);
    expect(agent.files.size).toBe(0);
  });

  it('go to the agent beside older kame-tools', async () => {
    await begin();
    const agent = await withAgent();
    await withHelper(['info', 'clipboardWatch']);
    await drop(filesOf({ a: 'x' }));
    expect([...agent.files.keys()]).toEqual(['a']);
  });

  it.each([
    [4, /disk is full/],
    [5, /locked/],
    [7, /xdg-user-dirs/],
    [99, /could not write/],
  ])('are refused by the guest with status %d', async (refusesFiles, words) => {
    await begin();
    const agent = await withAgent({ refusesFiles });
    expect(await refused(drop(filesOf({ a: 'x' })))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(words),
    });
    expect(agent.files.size).toBe(0);
  });

  it('need somebody who takes them', async () => {
    await begin();
    const paths = filesOf({ a: 'x' });
    expect((await refused(drop(paths))).code).toBe('GUEST_AGENT_MISSING');
    await withAgent({ capabilities: [...usualBits, bits.filesDisabled] });
    expect(await refused(drop(paths))).toMatchObject({
      code: 'GUEST_AGENT_MISSING',
      next: like(/xdg-user-dirs/),
    });
  });

  it('are refused where a key of VMware forbids it', async () => {
    await begin(['isolation.tools.dnd.disable = "TRUE"']);
    await withAgent();
    expect(await refused(drop(filesOf({ a: 'x' })))).toMatchObject({
      code: 'WRONG_STATE',
      message: like(/dnd/),
    });
  });

  it('have no directories, and no hidden or odd names', async () => {
    await begin();
    const agent = await withAgent();
    const folder = join(directory(), 'folder');
    mkdirSync(folder);
    for (const path of [folder, ...filesOf({ '.profile': '', 'a\nb': '' })])
      expect(await refused(drop([path]))).toMatchObject({ code: 'INVALID_VALUE' });
    expect(agent.count(vd.start)).toBe(0);
  });

  it('are cancelled, also in the guest, and end with the agent', async () => {
    await begin();
    const agent = await withAgent();
    const stop = new AbortController();
    async function* half(): AsyncGenerator<Buffer> {
      for await (const part of archiveOf(...filesOf({ large }))) {
        yield part.subarray(0, 2000);
        if (part.length < 2000) continue;
        await agent.until(() => agent.count(vd.file) > 0);
        stop.abort();
      }
    }
    const options = { ...quiet, signal: stop.signal, archive: half(), onRead: () => undefined };
    expect((await refused(dropFiles(world().host, 'demo', options))).code).toBe('CANCELLED');
    await agent.until(() => agent.count(vd.status) > 0);
    const stalled = await refused(
      Promise.all([drop(filesOf({ a: 'x' })), Promise.resolve(agent.hangUp())]).then(() => undefined),
    );
    expect(stalled.code).toBe('GUEST_AGENT_MISSING');
  });
});
