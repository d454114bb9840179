import { createServer, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import { deferred } from '../../src/core/deferred.ts';
import { onAll } from '../support/daemon-facts.ts';
import { idOf } from '../support/remote-operations.ts';
import { password, RemoteWorld } from '../support/remote-world.ts';
import { until, useWorld } from '../support/world.ts';

const world = useWorld();

describe('what a remote user has open', () => {
  /** A machine whose screen is a socket of the test, and what a client of it has sent. */
  const withScreen = async () => {
    world().machine();
    await world().start();
    const path = join(world().running().run.directory, 'vnc');
    rmSync(path, { force: true });
    const connected = deferred<Socket>();
    const server = createServer((socket) => connected.resolve(socket)).listen(path);
    onTestFinished(() => void server.close());
    return { display: connected.promise };
  };
  const closed = async (socket: WebSocket) =>
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const key = Buffer.from([4, 1, 0, 0, 0, 0, 0, 0x61]);
  const hello = ['RFB 003.008\n', '\u0001', '\u0001'];

  it.each([
    ['viewer', 'RFB 003.008\n\u0001\u0001', false],
    ['operator', `RFB 003.008\n\u0001\u0001${key.toString('latin1')}`, true],
  ] as const)('of a %s passes on what the role permits', async (role, expected, types) => {
    const { display: engine } = await withScreen();
    const remote = await RemoteWorld.open(world().host, { bob: onAll(role) });
    const socket = await remote.connect(await remote.session('bob'), '/v1/machines/demo/screen');
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    let typed = '';
    (await engine).on('data', (data: Buffer) => (typed += data.toString('latin1')));
    for (const part of [...hello, key.toString('latin1')]) socket.send(Buffer.from(part, 'latin1'));
    // What is passed on for certain comes after the key.
    const request = Buffer.from([3, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
    socket.send(request);
    await until(() => typed.endsWith(request.toString('latin1')));
    expect(typed.slice(0, -request.length)).toBe(expected);
    expect(typed.includes(key.toString('latin1'))).toBe(types);
    socket.terminate();
  });

  it('passes on keys only of a machine that somebody may work with', async () => {
    const { display: engine } = await withScreen();
    const remote = await RemoteWorld.open(world().host);
    const ada = await remote.session('ada');
    world().machine('mine');
    const mine = await idOf(ada, remote, 'mine');
    const grants = [
      { role: 'viewer', machines: null },
      { role: 'operator', machines: [mine] },
    ] as const;
    await remote.daemon.users.add('max', { grants }, password);
    const socket = await remote.connect(await remote.session('max'), '/v1/machines/demo/screen');
    if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
    let typed = '';
    (await engine).on('data', (data: Buffer) => (typed += data.toString('latin1')));
    const request = Buffer.from([3, 0, 0, 0, 0, 0, 0, 1, 0, 1]).toString('latin1');
    for (const part of [...hello, key.toString('latin1'), request]) socket.send(Buffer.from(part, 'latin1'));
    await until(() => typed.endsWith(request));
    expect(typed).toBe(`${hello.join('')}${request}`);
    socket.terminate();
  });

  it.each([
    ['the role is changed', 'PATCH', '/v1/web/users/bob', { grants: [{ role: 'viewer' }] }],
    ['the password is changed', 'PUT', '/v1/web/users/bob/password', { password: 'another long password' }],
    ['the user is removed', 'DELETE', '/v1/web/users/bob', undefined],
  ])(
    'ends at once when %s: the session, the stream of events and the console',
    async (_what, method, path, body) => {
      const { display: engine } = await withScreen();
      const remote = await RemoteWorld.open(world().host, { bob: onAll('operator') });
      const [ada, bob] = [await remote.session('ada'), await remote.session('bob')];
      const socket = await remote.connect(bob, '/v1/machines/demo/screen');
      if (typeof socket === 'number') throw new Error(`refused with ${socket}`);
      const display = await engine;
      display.resume();
      const events = remote.follow(bob, '/v1/events', () => undefined);
      await events.begun;
      const ended = Promise.all([closed(socket), events.over]);
      expect((await remote.change(method, path, ada, body)).status).toBe(200);
      await ended;
      await until(() => display.destroyed);
      expect((await remote.ask('/session', { headers: { cookie: bob } })).status).toBe(401);
      expect((await remote.ask('/session', { headers: { cookie: ada } })).status).toBe(200);
    },
  );
});
