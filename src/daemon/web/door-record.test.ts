import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openDoor } from '../../../test/support/open-door.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { DoorRecord } from './door-record.ts';
import { WebDoor } from './door.ts';
import { idleMs } from './sessions.ts';

const makeTemporary = useTemporaryDirectory();
let root = '';
beforeEach(() => void (root = makeTemporary()));
const recordPath = () => join(root, 'web.json');

/** A later daemon, with what its door logs and lets in. */
function laterDoor() {
  const logged: unknown[] = [];
  const inside = {
    request: (_request: unknown, response: { end(text: string): void }) => response.end('inside'),
    upgrade: () => undefined,
    log: (error: unknown) => void logged.push(error),
  };
  const door = new WebDoor(inside, join(root, 'web'), new DoorRecord(recordPath()));
  onTestFinished(async () => await door[Symbol.asyncDispose]());
  return { door, logged };
}

/** A door that was killed: its port is free, and its record is as it was. */
async function killedDoor() {
  const { door, session, ask, port } = await openDoor(root);
  const cookie = await session();
  const record = readFileSync(recordPath(), 'utf8');
  await door[Symbol.asyncDispose]();
  writeFileSync(recordPath(), record, { mode: 0o600 });
  const status = async () => (await ask('/v1/machines', { headers: { cookie } })).status;
  return { cookie, port: Number(port), status, record };
}

it('keeps hashes only, in a file for the user alone, and removes it at the end', async () => {
  const { door, session } = await openDoor(root);
  const secret = (await session()).split('=')[1] ?? '';
  expect(readFileSync(recordPath(), 'utf8')).not.toContain(secret);
  expect(statSync(recordPath()).mode & 0o777).toBe(0o600);
  await door[Symbol.asyncDispose]();
  expect(() => statSync(recordPath())).toThrow('ENOENT');
});

it('goes on at the same port with the same sessions after a daemon was killed', async () => {
  const { status } = await killedDoor();
  await laterDoor().door.resume(true);
  expect(await status()).toBe(200);
});

it.each([
  ['another user may have had the port', false, (text: string) => text],
  [
    'nobody used it for long',
    true,
    (text: string) => text.replace(/"lastUse":\d+/, `"lastUse":${Date.now() - idleMs - 1}`),
  ],
  ['the file is not ours', true, () => '{"port":80,"sessions":[]}'],
  ['the file is broken', true, (text: string) => text.slice(0, 20)],
])('does not go on when %s', async (_what, knowsPeers, change) => {
  const { status, record } = await killedDoor();
  writeFileSync(recordPath(), change(record));
  await laterDoor().door.resume(knowsPeers);
  await expect(status()).rejects.toThrow('ECONNREFUSED');
});

it('does not go on when another program has the port, and opens another one when asked', async () => {
  const { port } = await killedDoor();
  const other = createServer().listen(port, '127.0.0.1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const { door, logged } = laterDoor();
  await door.resume(true);
  expect(logged).toHaveLength(1);
  expect(new URL((await door.open()).address).port).not.toBe(String(port));
});
