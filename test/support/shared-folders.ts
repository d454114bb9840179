import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { useTemporaryDirectory } from './temporary-directory.ts';
import { WebdavWorld, type Answer } from './webdav.ts';

type Request = Parameters<WebdavWorld['ask']>;

/** The body of a request for an exclusive lock. */
export const lockBody =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>me</D:href></D:owner></D:lockinfo>';

/** The header that says to where something is copied or moved. */
export const destination = (path: string) => ({ destination: `http://127.0.0.1:9843${path}` });

/** Folders `work`, which guests may write, and `data`, which they may not, beside a file `secret`; and their server. */
class SharedFolders {
  root = '';
  dav!: WebdavWorld;

  get work(): string {
    return join(this.root, 'work');
  }

  /** One request. */
  readonly ask = async (...request: Request): Promise<Answer> => await this.dav.ask(...request);
  readonly status = async (...request: Request): Promise<number> => (await this.ask(...request)).status;
  readonly textOf = async (...request: Request): Promise<string> => String((await this.ask(...request)).body);
  /** What a file in `work` has. */
  readonly here = (path: string): string => readFileSync(join(this.work, path), 'utf8');
}

/** Gives each test of a file its folders. A test fails when the server reports an error that it did not expect. */
export function useSharedFolders(): SharedFolders {
  const makeDirectory = useTemporaryDirectory();
  const folders = new SharedFolders();
  beforeEach(async () => {
    const root = realpathSync(makeDirectory());
    folders.root = root;
    for (const name of ['work/sub', 'data']) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, 'work', 'file'), '0123456789');
    writeFileSync(join(root, 'data', 'kept'), 'kept');
    writeFileSync(join(root, 'secret'), 'secret');
    folders.dav = await WebdavWorld.serve(makeDirectory(), [
      { name: 'work', path: folders.work, writable: true },
      { name: 'data', path: join(root, 'data'), writable: false },
    ]);
  });
  afterEach(async () => {
    const { dav } = folders;
    await dav[Symbol.asyncDispose]();
    if (dav.errors.length > 0) throw new Error(`Not expected: ${dav.errors.map(String).join(', ')}`);
  });
  return folders;
}
