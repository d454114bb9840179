import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fillDiskAfter } from '../../test/support/full-disk.ts';
import { refused } from '../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { receiveUpload, uploadPlace, type UploadedFile } from './upload.ts';

const temporary = useTemporaryDirectory();
let directory: string;
beforeEach(() => (directory = temporary()));
const file: UploadedFile = { name: 'a.iso', sizeBytes: 10, modifiedMs: 1 };

async function* of(...chunks: string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

function receive(what: UploadedFile, ...chunks: string[]) {
  const notices: string[] = [];
  const done = receiveUpload(directory, what, of(...chunks), {
    ready: (offset) => notices.push(`ready ${offset}`),
    received: (bytes) => notices.push(`received ${bytes}`),
  });
  return { notices, done };
}

describe('an upload', () => {
  it('goes on where it broke off', async () => {
    const first = receive(file, '01234');
    expect(await refused(first.done)).toMatchObject({
      code: 'CANCELLED',
      message: 'The upload of a.iso ended after 5 of 10 bytes.',
    });
    const second = receive(file, '567', '89');
    expect(readFileSync(await second.done, 'utf8')).toBe('0123456789');
    expect(second.notices).toEqual(['ready 5', 'received 10']);
    // All of it is there, but nobody has used it: a daemon was killed, for example.
    const third = receive(file);
    expect(readFileSync(await third.done, 'utf8')).toBe('0123456789');
  });

  it('does not go on with another file', async () => {
    await refused(receive(file, '01234').done);
    const others = [
      { ...file, modifiedMs: 2 },
      { ...file, sizeBytes: 4 },
      { ...file, name: 'b.iso' },
    ];
    for (const other of others) {
      const { done, notices } = receive(other, 'x'.repeat(other.sizeBytes));
      await done;
      expect(notices[0]).toBe('ready 0');
    }
    expect(new Set([file, ...others].map((each) => uploadPlace('', each))).size).toBe(4);
  });

  it('takes no more than was said, and keeps nothing of it', async () => {
    const { done } = receive(file, '0123456789', 'x');
    await done;
    const more = receive({ ...file, name: 'b' }, '01234567', '89x');
    expect((await refused(more.done)).code).toBe('USAGE');
    expect(readdirSync(directory)).toHaveLength(1);
  });

  it('needs room, and says so before anything is sent', async () => {
    const { done, notices } = receive({ ...file, sizeBytes: Number.MAX_SAFE_INTEGER });
    expect((await refused(done)).code).toBe('DISK_FULL');
    expect(notices).toEqual([]);
  });

  it('leaves nothing when the disk becomes full meanwhile', async () => {
    await refused(receive(file, '01').done);
    await fillDiskAfter(1);
    expect((await refused(receive(file, '23', '456').done)).code).toBe('DISK_FULL');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('writes through no link, and into no place outside its directory', async () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'mine');
    symlinkSync(victim, uploadPlace(directory, file));
    expect((await refused(receive(file, '0123456789').done)).code).toBe('FILE_ACCESS');
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(uploadPlace('/d', { ...file, name: '../../etc/passwd' })).toMatch(
      /^\/d\/upload-[0-9a-f]{32}\.part$/,
    );
  });
});
