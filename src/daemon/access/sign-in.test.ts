import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scrypt, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../../core/deferred.ts';
import { cheap, onAll } from '../../../test/support/daemon-facts.ts';
import { refused } from '../../../test/support/refused.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { freeAttempts } from './attempts.ts';
import { Passwords } from './passwords.ts';
import { limitedWith, SignIn } from './sign-in.ts';
import { Users } from './users.ts';

const temporary = useTemporaryDirectory();
let path = '';
beforeEach(() => {
  path = join(temporary(), 'web-users.json');
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

const word = 'correct horse battery';
const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Users, with `ada` among them, and the parameters of each hash that was computed. */
async function opened(gate?: Promise<void>) {
  const computed: ScryptOptions[] = [];
  const passwords = new Passwords(cheap, async (...request) => {
    computed.push(request[3]);
    await gate;
    return await derive(...request);
  });
  const users = new Users(path, passwords);
  if (!gate) await users.add('Ada', onAll('owner'), word);
  computed.splice(0);
  return { users, computed, passwords, door: new SignIn(users) };
}

const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

it('knows users by their passwords, also after another start', async () => {
  await opened();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const users = new Users(path, new Passwords(cheap));
  const door = new SignIn(users);
  expect(await door.signIn('ada', word, '10.0.0.1')).toMatchObject({ name: 'Ada', ...onAll('owner') });
  expect((await refused(door.signIn('ada', `${word}!`, '10.0.0.1'))).code).toBe('WRONG_PASSWORD');
  await users.setPassword('ADA', 'another good one');
  expect((await refused(door.signIn('ada', word, '10.0.0.2'))).code).toBe('WRONG_PASSWORD');
  await users.remove('ada');
  expect((await refused(users.remove('ada'))).code).toBe('NO_SUCH_USER');
});

it('keeps no password, and does the same work for a user who does not exist', async () => {
  const { door, computed } = await opened();
  expect(readFileSync(path, 'utf8')).not.toContain(word);
  const known = await refused(door.signIn('ada', 'wrong', '10.0.0.1'));
  const unknown = await refused(door.signIn('nobody', 'wrong', '10.0.0.1'));
  expect(computed).toHaveLength(2);
  expect(computed[0]).toEqual(computed[1]);
  expect(unknown.message).toBe(known.message);
});

it('delays each attempt by more than the one before, from wherever it comes', async () => {
  const { door, computed } = await opened();
  const attempt = async (count: number) => await refused(door.signIn('ada', 'wrong', `10.0.1.${count}`));
  for (let count = 0; count < freeAttempts; count += 1)
    expect((await attempt(count)).code).toBe('WRONG_PASSWORD');
  const delays: number[] = [];
  for (let count = 0; count < 9; count += 1) {
    const { code, message } = await attempt(100 + count);
    expect(code).toBe('TOO_MANY_ATTEMPTS');
    const seconds = Number(/in (\d+) s/.exec(message)?.[1]);
    delays.push(seconds);
    later(seconds * 1000);
    await attempt(200 + count);
  }
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  // What is delayed costs nothing.
  expect(computed).toHaveLength(freeAttempts + 9);
});

it('delays an address, whichever names it tries, and one network of IPv6 as one address', async () => {
  const { door } = await opened();
  const from = (count: number) => `2001:db8:1:2::${count.toString(16)}`;
  for (let count = 0; count < freeAttempts; count += 1)
    expect((await refused(door.signIn(`user${count}`, 'wrong', from(count)))).code).toBe('WRONG_PASSWORD');
  expect((await refused(door.signIn('ada', word, from(999)))).code).toBe('TOO_MANY_ATTEMPTS');
  expect(await door.signIn('ada', word, '2001:db8:1:3::1')).toMatchObject({ name: 'Ada' });
  // An account of one's own does not wipe out what was tried with others.
  later(1000);
  expect(await door.signIn('ada', word, from(1))).toMatchObject({ name: 'Ada' });
  await refused(door.signIn('bob', 'wrong', from(1)));
  expect((await refused(door.signIn('ada', word, from(1)))).code).toBe('TOO_MANY_ATTEMPTS');
});

it('does not delay a user at an address that is theirs, whatever others try elsewhere', async () => {
  const { door } = await opened();
  await door.signIn('ada', word, '10.0.0.1');
  for (let count = 0; count < 20; count += 1) await refused(door.signIn('ada', 'wrong', `10.0.2.${count}`));
  // A name that looks like what is known of her.
  for (let count = 0; count < 20; count += 1)
    await refused(door.signIn('ada 10.0.0.1', 'wrong', `10.0.4.${count}`));
  expect((await refused(door.signIn('ada', word, '10.0.3.1'))).code).toBe('TOO_MANY_ATTEMPTS');
  expect(await door.signIn('ada', word, '10.0.0.1')).toMatchObject({ name: 'Ada' });
});

it('counts attempts that are made at the same time', async () => {
  const { door } = await opened();
  const all = Array.from(
    { length: 12 },
    async () => (await refused(door.signIn('ada', 'wrong', '10.0.0.1'))).code,
  );
  const codes = await Promise.all(all);
  expect(codes.filter((code) => code === 'WRONG_PASSWORD')).toHaveLength(freeAttempts);
});

it('computes few hashes at a time, and refuses a flood', async () => {
  const gate = deferred();
  const { door, computed } = await opened(gate.promise);
  const all = Array.from({ length: 60 }, async (_each, count) => {
    return (await refused(door.signIn(`user${count}`, 'wrong', `10.1.${count}.1`))).code;
  });
  await expect.poll(() => computed.length).toBe(2);
  gate.resolve();
  const codes = await Promise.all(all);
  expect(codes.filter((code) => code === 'WRONG_PASSWORD')).toHaveLength(18);
  expect(codes.filter((code) => code === 'TOO_MANY_ATTEMPTS')).toHaveLength(42);
});

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('limits %s with %s', (address, key) => {
  expect(limitedWith(address)).toBe(key);
});

it('takes no owner of some machines, no name twice, and no password that is the name', async () => {
  const { users } = await opened();
  const some = { grants: [{ role: 'owner', machines: ['x'] }] } as const;
  expect((await refused(users.add('eve', some, word))).code).toBe('USAGE');
  expect((await refused(users.set('ada', some))).code).toBe('USAGE');
  expect((await refused(users.add('ADA', onAll('viewer'), word))).code).toBe('ALREADY_EXISTS');
  const name = 'grace.hopper';
  expect((await refused(users.add(name, onAll('viewer'), `${name}1`))).code).toBe('USAGE');
  expect((await users.list()).map((user) => user.name)).toEqual(['Ada']);
});

it('tells of a change when it is on the disk, and loses none that come at the same time', async () => {
  const { users } = await opened();
  const changed: string[] = [];
  users.onChanged((name) => changed.push(name));
  const viewer = onAll('viewer');
  await Promise.all(['bob', 'eve', 'zoe'].map(async (name) => await users.add(name, viewer, word)));
  expect(changed.toSorted()).toEqual(['bob', 'eve', 'zoe']);
  const again = new Users(path, new Passwords(cheap));
  expect((await again.list()).map(({ name }) => name)).toEqual(['Ada', 'bob', 'eve', 'zoe']);
});

it('reads the file of a time when each user had one role, and writes it as it is now', async () => {
  const { users } = await opened();
  const [ada] = await users.list();
  const before = { name: 'bob', role: 'operator', machines: ['x'], password: ada?.password };
  writeFileSync(path, JSON.stringify({ users: [before] }), { mode: 0o600 });
  const again = new Users(path, new Passwords(cheap));
  const grants = [{ role: 'operator', machines: ['x'] }];
  expect(await again.verify('bob', word)).toMatchObject({ name: 'bob', grants });
  await again.add('eve', onAll('viewer'), word);
  const text = readFileSync(path, 'utf8');
  expect(JSON.parse(text)).toMatchObject({ users: [{ name: 'bob', grants }, { name: 'eve' }] });
  expect(text).not.toContain(
    '"role": "operator",\n      "machines": [\n        "x"\n      ],\n      "password"',
  );
});

it.each([
  ['is no JSON', '{'],
  ['has a user without a role', '{"users":[{"name":"eve","grants":[]}]}'],
  ['has a user without a password', '{"users":[{"name":"eve","role":"owner","machines":null}]}'],
  [
    'would have the daemon use up its memory',
    `{"users":[{"name":"eve","role":"owner","machines":null,"password":{"salt":"${'A'.repeat(22)}","key":"${'A'.repeat(43)}","N":1073741824,"r":8,"p":1}}]}`,
  ],
])('lets nobody in when its file %s, and says which', async (_what, text) => {
  writeFileSync(path, text, { mode: 0o600 });
  const users = new Users(path, new Passwords(cheap));
  const error = await refused(new SignIn(users).signIn('eve', word, '10.0.0.1'));
  expect(error).toMatchObject({ code: 'FILE_ACCESS', message: expect.stringContaining(path) });
});
