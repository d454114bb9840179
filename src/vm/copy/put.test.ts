import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveOf, expectInTmp, look, useCopies } from '../../../test/support/copies.ts';
import { refused } from '../../../test/support/refused.ts';

const { directory, startGuest, makeTree, put, expectClean } = useCopies();

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
    const content = Buffer.alloc(80 * 1024 * 1024);
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

  it('is refused where a key of VMware forbids it', async () => {
    await startGuest(['isolation.tools.hgfsServerSet.disable = "TRUE"']);
    expect(await refused(put('x', archiveOf(makeTree())))).toMatchObject({
      code: 'WRONG_STATE',
      message: expect.stringContaining('hgfsServerSet') as string,
    });
  });
});
