import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { listenAlone, socketAnswers } from './single-instance.ts';

const temporary = useTemporaryDirectory();

/** Listens alone on the socket of a home. @returns what ends that, as a daemon does */
async function serve(home: string): Promise<() => Promise<void>> {
  const server: Server = createServer((client) => client.end());
  onTestFinished(() => void server.close());
  const bound = await listenAlone(join(home, 'kamed.sock'), async (path) => {
    await new Promise<void>((resolve) => server.listen(path, resolve));
  });
  return async () => {
    await new Promise((resolve) => server.close(resolve));
    await bound[Symbol.asyncDispose]();
  };
}

it('has one listener, whose socket only the user can open, and which is removed at its end', async () => {
  const home = temporary();
  const end = await serve(home);
  expect([
    await socketAnswers(join(home, 'kamed.sock')),
    statSync(join(home, 'kamed.sock')).mode & 0o777,
  ]).toEqual([true, 0o600]);
  await expect(serve(home)).rejects.toMatchObject({ code: 'BUSY' });
  await end();
  expect(existsSync(join(home, 'kamed.sock'))).toBe(false);
});

it('does not remove the socket of another process that has taken its place', async () => {
  const parent = temporary();
  const home = join(parent, 'home');
  mkdirSync(home);
  const endFirst = await serve(home);
  renameSync(home, join(parent, 'gone'));
  mkdirSync(home);
  const endSecond = await serve(home);
  await endFirst();
  expect(await socketAnswers(join(home, 'kamed.sock'))).toBe(true);
  await endSecond();
  expect(existsSync(join(home, 'kamed.sock'))).toBe(false);
});
