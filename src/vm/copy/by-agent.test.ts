import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FakeHandler } from '../../../test/support/fake-agent.ts';
import { archiveOf, expectInTmp, look, useCopies } from '../../../test/support/copies.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { quiet } from '../../../test/support/world.ts';
import { readArchive } from '../../archive/tar-read.ts';
import { mostByAgent } from './agent-limits.ts';
import { getFiles } from './get.ts';

const { world, directory, startGuest, makeTree, put } = useCopies();
const refuse = (reason: string) => new Error(reason);

/** A guest whose agent reads and writes files, and runs no programs. */
async function startPlain(handlers: Record<string, FakeHandler> = {}) {
  return await startGuest([], { without: ['guest-exec'], handlers });
}

/** What comes out of the guest, by name. */
async function get(path: string): Promise<Record<string, string>> {
  const parts: Buffer[] = [];
  const send = async (data: Buffer) => await Promise.resolve(void parts.push(Buffer.from(data)));
  await getFiles(world().host, 'demo', { path }, { ...quiet, send });
  async function* whole(): AsyncGenerator<Buffer> {
    yield* await Promise.resolve(parts);
  }
  const found: Record<string, string> = {};
  for await (const { entry, content } of readArchive(whole(), { refuse })) {
    let text = '';
    for await (const part of content) text += part.toString('latin1');
    found[entry.path] = text;
  }
  return found;
}

describe('a copy through the guest agent', () => {
  it('into a machine without a controller for disks has all that was there', async () => {
    const { guest, engine } = await startGuest();
    engine.transfer.hasController = false;
    const tree = makeTree();
    const stages: string[] = [];
    const end = await put('/tmp', archiveOf(tree), { report: ({ stage }) => void stages.push(stage) });
    expect(end).toEqual({ files: 5, bytes: 6 + 1 + 3_000_001 + 20_000_000 });
    expect(look(join(guest.root, 'tmp/tree'))).toEqual(look(tree));
    expect(stages.join()).toMatch(/at most 256 MiB/);
    await expectInTmp(guest, ['tree']);
    expect(readdirSync(join(guest.root, 'var/tmp'))).toEqual([]);
  });

  it('that is refused by the guest, or broken, leaves nothing', async () => {
    const { guest, engine } = await startGuest();
    engine.transfer.hasController = false;
    writeFileSync(join(guest.root, 'tmp/file'), 'x');
    expect(await refused(put('/tmp/file', archiveOf(makeTree())))).toMatchObject({ code: 'GUEST_FAILED' });
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.alloc(700, 1));
    }
    expect(await refused(put('/tmp/', broken()))).toMatchObject({ code: 'INVALID_VALUE' });
    await expectInTmp(guest, ['file']);
    expect(readdirSync(join(guest.root, 'var/tmp'))).toEqual([]);
  });

  it('of a file needs no program in the guest', async () => {
    const { guest } = await startPlain();
    const file = join(directory(), 'notes.txt');
    const content = Buffer.alloc(700_000, 'kame');
    writeFileSync(file, content);
    expect(await put('/tmp/new', archiveOf(file))).toEqual({ files: 1, bytes: 700_000 });
    await put('/tmp/', archiveOf(file));
    await put('/root', archiveOf(file), {}, true);
    for (const path of ['tmp/new', 'tmp/notes.txt', 'root/notes.txt'])
      expect(readFileSync(join(guest.root, path)).equals(content)).toBe(true);
    expect(await get('/tmp/new')).toEqual({ new: content.toString() });
  });

  it.each([
    ['a directory', '/tmp', makeTree, /no single file/],
    ['something to a path that is not full', 'new', () => join(directory(), 'f'), /new, files cannot/],
  ])('of %s needs programs', async (_what, path, source, words) => {
    const { guest } = await startPlain();
    writeFileSync(join(directory(), 'f'), 'x');
    const error = await refused(put(path, archiveOf(source())));
    expect(error).toMatchObject({ code: 'GUEST_AGENT_MISSING', message: like(words), next: like(/256 MiB/) });
    expect(readdirSync(join(guest.root, 'tmp'))).toEqual([]);
  });

  it.each(['', 'file', '/', '/tmp/', '/tmp/..'])('out of a guest is not of "%s"', async (path) => {
    await startPlain();
    expect(await refused(get(path))).toMatchObject({ code: 'GUEST_AGENT_MISSING' });
  });

  it('is limited, and a hostile size or a full disk is no success', async () => {
    const seek: FakeHandler = () => ({ value: { position: mostByAgent + 1, eof: true } });
    const write: FakeHandler = () => ({ value: { count: 3, eof: false } });
    const { guest } = await startPlain({ 'guest-file-seek': seek, 'guest-file-write': write });
    writeFileSync(join(guest.root, 'tmp/file'), 'small');
    expect(await refused(get('/tmp/file'))).toMatchObject({
      code: 'INVALID_VALUE',
      message: like(/256 MiB/),
    });
    const file = join(directory(), 'f');
    writeFileSync(file, 'content');
    expect(await refused(put('/tmp/new', archiveOf(file)))).toMatchObject({
      code: 'GUEST_FAILED',
      message: like(/wrote 3 of 7 bytes/),
    });
  });

  it('of a file that becomes shorter fails', async () => {
    const seek: FakeHandler = () => ({ value: { position: 1000, eof: true } });
    const { guest } = await startPlain({ 'guest-file-seek': seek });
    writeFileSync(join(guest.root, 'tmp/file'), 'small');
    expect((await refused(get('/tmp/file'))).message).toMatch(/became shorter/);
  });

  it('needs an agent that writes files', async () => {
    const { guest } = await startGuest([], { without: ['guest-exec', 'guest-file-write'] });
    expect((await refused(put('/tmp/x', archiveOf(makeTree())))).message).toMatch(/writes no files/);
    expect(existsSync(join(guest.root, 'tmp/x'))).toBe(false);
  });
});
