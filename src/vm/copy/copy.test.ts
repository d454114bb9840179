import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refused } from '../../../test/support/refused.ts';
import { ShellGuest } from '../../../test/support/shell-guest.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { quiet, until, useWorld } from '../../../test/support/world.ts';
import { usualGuest } from '../../../test/support/fake-engine/guest.ts';
import type { FakeEngine } from '../../../test/support/fake-engine/engine.ts';
import { pack } from '../../archive/pack.ts';
import { extract, finishDirectories } from '../../archive/extract.ts';
import { readArchive } from '../../archive/tar-read.ts';
import { deferred } from '../../core/deferred.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { pause } from '../power/pause.ts';
import { getFiles } from './get.ts';
import { putFiles, type PutOptions } from './put.ts';
import { runScript } from './script.ts';

const world = useWorld();
const directory = useTemporaryDirectory();
const refuse = (reason: string) => new Error(reason);

/** A machine that runs, with a guest whose programs are of this host. */
async function startGuest(lines: readonly string[] = []): Promise<{ guest: ShellGuest; engine: FakeEngine }> {
  const guest = new ShellGuest(directory());
  world().engines.guest = { ...usualGuest, handlers: guest.handlers };
  world().machine('demo', lines);
  const engine = await world().start();
  engine.transfer.guest = guest;
  return { guest, engine };
}

/** Small files, a large one, one that is mostly a hole, links, and a directory that is written after what is in it. */
function makeTree(): string {
  const root = join(directory(), 'tree');
  mkdirSync(join(root, 'sub dir'), { recursive: true });
  writeFileSync(join(root, 'small'), 'hello\n', { mode: 0o640 });
  writeFileSync(join(root, 'sub dir', ' odd "name" |'), 'x');
  writeFileSync(join(root, 'large'), Buffer.alloc(3_000_001, 'kame'));
  writeFileSync(join(root, 'hole'), 'begin');
  truncateSync(join(root, 'hole'), 20_000_000);
  symlinkSync('small', join(root, 'link'));
  return root;
}

function archiveOf(...paths: string[]): AsyncGenerator<Buffer> {
  const sources = paths.map((path) => ({ path, name: path.split('/').at(-1) ?? '' }));
  return pack(sources, { owner: false, signal: new AbortController().signal });
}

/** An archive of a file that stops coming when several disks are full, until it is let go. */
function stalledArchive(): { source: string; archive: AsyncGenerator<Buffer>; letGo: () => void } {
  const stalled = deferred();
  const source = join(directory(), 'big');
  writeFileSync(source, Buffer.alloc(40 * 1024 * 1024, 1));
  async function* parts(): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const part of archiveOf(source)) {
      yield part;
      bytes += part.length;
      if (bytes > 30_000_000) await stalled.promise;
    }
  }
  return { source, archive: parts(), letGo: stalled.resolve };
}

function put(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  options: Partial<PutOptions> = {},
  isDirectory = false,
) {
  const request = { path, directory: isDirectory };
  return putFiles(world().host, 'demo', request, { ...quiet, archive, onRead: () => undefined, ...options });
}

/** What is at a path, and below it. */
function look(path: string): Record<string, unknown> {
  const stats = lstatSync(path);
  const common = { mode: stats.mode, time: Math.floor(stats.mtimeMs / 1000) };
  if (stats.isDirectory())
    return {
      ...common,
      in: Object.fromEntries(readdirSync(path).map((name) => [name, look(join(path, name))])),
    };
  return stats.isFile()
    ? { ...common, content: readFileSync(path).toString('base64') }
    : { mode: stats.mode };
}

/** Nothing of a copy is left in an engine, or in its directory. */
function expectClean({ transfer }: FakeEngine): void {
  expect([...transfer.devices.keys(), ...transfer.nodes.keys(), ...transfer.chardevs]).toEqual([]);
  const run = world().running().run.directory;
  expect(readdirSync(run).filter((name) => /^cp|^copy/.test(name))).toEqual([]);
}

/** What there is in /tmp of the guest in the end: nobody waits for the removal of what the agent's exec kept there. */
async function expectInTmp({ root }: ShellGuest, names: readonly string[]): Promise<void> {
  await expect.poll(() => readdirSync(join(root, 'tmp')), { timeout: 10_000 }).toEqual(names);
}

describe('a copy into a guest', () => {
  it('has all that was there, and leaves nothing else', async () => {
    const { guest, engine } = await startGuest();
    const tree = makeTree();
    const marks: number[] = [];
    const end = await put('/tmp', archiveOf(tree), { onRead: (bytes) => void marks.push(bytes) });
    expect(end).toEqual({ files: 5, bytes: 6 + 1 + 3_000_001 + 20_000_000 });
    expect(look(join(guest.root, 'tmp/tree'))).toEqual(look(tree));
    expect(lstatSync(join(guest.root, 'tmp/tree/hole')).blocks * 512).toBeLessThan(1_000_000);
    await expectInTmp(guest, ['tree']);
    expect(marks.at(-1)).toBeGreaterThan(23_000_000);
    expectClean(engine);
  });

  it('that is larger than a disk comes on several, of which few are there at a time', async () => {
    const { guest, engine } = await startGuest();
    const file = join(directory(), 'big');
    const content = Buffer.alloc(150 * 1024 * 1024);
    for (let at = 0; at < content.length; at += 65_536) content.writeUInt32LE(at + 1, at);
    writeFileSync(file, content);
    await put('new name', archiveOf(file));
    expect(guest.disksSeen.length).toBeGreaterThan(2);
    expect(readFileSync(join(guest.root, 'root/new name')).equals(content)).toBe(true);
    expectClean(engine);
  });

  it('goes into a directory that is there, and replaces files', async () => {
    const { guest } = await startGuest();
    mkdirSync(join(guest.root, 'root/tree'));
    writeFileSync(join(guest.root, 'root/tree/small'), 'old');
    writeFileSync(join(guest.root, 'root/tree/other'), 'kept');
    await put('', archiveOf(makeTree()));
    expect(readFileSync(join(guest.root, 'root/tree/small'), 'utf8')).toBe('hello\n');
    expect(readFileSync(join(guest.root, 'root/tree/other'), 'utf8')).toBe('kept');
    expect(readdirSync(join(guest.root, 'root'))).toEqual(['tree']);
  });

  it.each([
    ['a directory that is not there', '/nowhere/new', false, /nowhere is not a directory/],
    ['what must be a directory and is not', 'new', true, /new is not a directory/],
    ['a file where a directory would be', '/tmp/file', false, /is not a directory, and what is copied is/],
  ])('into %s is refused by the guest', async (_what, path, isDirectory, words) => {
    const { guest, engine } = await startGuest();
    writeFileSync(join(guest.root, 'tmp/file'), 'x');
    const error = await refused(put(path, archiveOf(makeTree()), {}, isDirectory));
    expect(error).toMatchObject({ code: 'GUEST_FAILED', message: expect.stringMatching(words) as string });
    await expectInTmp(guest, ['file']);
    expectClean(engine);
  });

  it('that is cancelled, or cut off, leaves nothing', async () => {
    const { guest, engine } = await startGuest();
    const stop = new AbortController();
    const { source, archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive, { signal: stop.signal });
    await until(() => readdirSync(join(guest.root, 'tmp')).some((name) => name.startsWith('.kame-copy')));
    expect((await refused(pause(world().host, 'demo', quiet))).code).toBe('BUSY');
    stop.abort();
    // What the client sends, ends with the client.
    letGo();
    expect(await refused(copying)).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('was removed') as string,
    });
    await expectInTmp(guest, []);
    expectClean(engine);
    async function* half(): AsyncGenerator<Buffer> {
      for await (const part of archiveOf(source)) {
        yield part.subarray(0, 600);
        break;
      }
    }
    expect(await refused(put('/tmp/', half()))).toMatchObject({ code: 'INVALID_VALUE' });
    expectClean(engine);
  });

  it('whose disk is plugged in only after all takes it out again', async () => {
    const { engine } = await startGuest();
    const { engines } = world();
    // As an engine that has answered too late.
    engines.troubles.before('device_add', () => {
      const [id = ''] = engine.transfer.nodes.keys();
      engine.transfer.plug({ id, driver: 'scsi-hd', drive: id, product: id.slice(5) });
    });
    expect((await refused(put('/tmp', archiveOf(makeTree())))).code).toBe('ENGINE_FAILED');
    expectClean(engine);
  });

  it('whose disk cannot be taken out keeps its file, and the next daemon takes it out', async () => {
    const { engine } = await startGuest();
    const { engines } = world();
    engines.troubles.refuse('blockdev-del', 'The node is not for you');
    await put('/tmp', archiveOf(makeTree()));
    const { directory: run } = world().running().run;
    expect(readdirSync(run).filter((name) => name.startsWith('copy-'))).toHaveLength(1);
    expect(world().logged.join('\n')).toContain('Could not take out a part of a copy');
    await world().replaceHost();
    await adoptAll(world().host);
    expectClean(engine);
  });

  it('that is cancelled while the guest keeps a part of it says so', async () => {
    const { guest } = await startGuest();
    const stop = new AbortController();
    const { archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive, { signal: stop.signal });
    const staged = () => readdirSync(join(guest.root, 'tmp')).find((name) => name.startsWith('.kame-copy-'));
    await until(() => staged() !== undefined);
    const stage = staged() ?? '';
    guest.refused = 'clean';
    stop.abort();
    expect(await refused(copying)).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('may be in the guest') as string,
      next: expect.stringContaining(stage) as string,
    });
    letGo();
  });

  it.each(['dir', '/tmp/dir', '/dir'])('to the new name %s is cleaned beside it, and in it', async (path) => {
    const { guest } = await startGuest();
    const dir = join(guest.root, path.startsWith('/') ? path : join('root', path));
    mkdirSync(dir);
    for (const place of [dir, join(dir, '..')]) mkdirSync(join(place, '.kame-copy-0a1b2c3d'));
    await runScript(world().running(), 'put', ['clean', '0a1b2c3d', path, 'no'], quiet);
    expect(readdirSync(dir)).toEqual([]);
    expect(readdirSync(join(dir, '..'))).not.toContain('.kame-copy-0a1b2c3d');
  });

  it('is refused where a key of VMware forbids it', async () => {
    await startGuest(['isolation.tools.hgfsServerSet.disable = "TRUE"']);
    expect(await refused(put('x', archiveOf(makeTree())))).toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('hgfsServerSet') as string,
    });
  });

  it('that has ended costs the engine nothing when the next daemon starts', async () => {
    await startGuest();
    await put('/tmp', archiveOf(makeTree()));
    const asked = world().engines.troubles.before('query-named-block-nodes', () => undefined);
    await world().replaceHost();
    await adoptAll(world().host);
    expect(asked.met).toBeNull();
  });

  it('of a daemon that is killed is taken out by the next, and ends in the guest', async () => {
    const { guest, engine } = await startGuest();
    const { archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive);
    await until(() => engine.transfer.devices.size > 0);
    world().abandonHost(copying);
    await adoptAll(world().host);
    expectClean(engine);
    await until(() => readdirSync(join(guest.root, 'tmp')).every((name) => !name.startsWith('.kame-copy')));
    expect(existsSync(join(guest.root, 'tmp/big'))).toBe(false);
    letGo();
  });
});

describe('a copy out of a guest', () => {
  async function get(path: string): Promise<string> {
    const target = directory();
    const parts: Buffer[] = [];
    await getFiles(
      world().host,
      'demo',
      { path },
      { ...quiet, send: async (data) => await Promise.resolve(void parts.push(Buffer.from(data))) },
    );
    async function* whole(): AsyncGenerator<Buffer> {
      yield* await Promise.resolve(parts);
    }
    const { directories } = await extract(readArchive(whole(), { refuse }), {
      directory: target,
      owner: false,
      refuse,
      signal: quiet.signal,
    });
    await finishDirectories(directories, false, ({ path: name }) => join(target, name));
    return target;
  }

  it('has all that was there', async () => {
    const { guest, engine } = await startGuest();
    await put('/tmp', archiveOf(makeTree()));
    const target = await get('/tmp/tree/');
    expect(look(join(target, 'tree'))).toEqual(look(join(guest.root, 'tmp/tree')));
    expectClean(engine);
  });

  it('of what is not there is refused by the guest', async () => {
    const { engine } = await startGuest();
    expect(await refused(get('/tmp/nothing'))).toMatchObject({
      code: 'GUEST_FAILED',
      message: expect.stringContaining('There is no') as string,
    });
    expectClean(engine);
  });

  it('whose client fails ends', async () => {
    const { guest, engine } = await startGuest();
    writeFileSync(join(guest.root, 'root/file'), Buffer.alloc(5_000_000, 1));
    const send = () => Promise.reject(new Error('gone'));
    await expect(getFiles(world().host, 'demo', { path: 'file' }, { ...quiet, send })).rejects.toThrow(
      'gone',
    );
    expectClean(engine);
    expect(existsSync(join(guest.root, 'root/file'))).toBe(true);
  });
});
