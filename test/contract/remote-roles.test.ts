import { createServer, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { WebSocket } from 'ws';
import type { KameEvent, Task } from '../../src/api/messages.ts';
import type { Operation } from '../../src/api/operation.ts';
import { operations } from '../../src/api/operations.ts';
import { includes, type Role } from '../../src/api/role.ts';
import { parametersOf, pathOf } from '../../src/api/route.ts';
import { deferred } from '../../src/core/deferred.ts';
import { onAll } from '../support/daemon-facts.ts';
import { password, RemoteWorld } from '../support/remote-world.ts';
import { until, useWorld } from '../support/world.ts';

const world = useWorld();
const all = Object.entries<Operation>(operations);
const known: Readonly<Record<string, string>> = {
  machine: 'demo',
  task: '5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a10',
  nic: '0',
  transport: 'tcp',
  port: '8080',
};
/** The address of an operation, for the machine `demo`. */
const addressOf = (operation: Operation, machine = 'demo') =>
  pathOf(operation, {
    ...Object.fromEntries(parametersOf(operation.path).map((name) => [name, known[name] ?? 'x'])),
    machine,
  });

const idOf = async (cookie: string, remote: RemoteWorld, name: string) => {
  const { text } = await remote.ask(`/v1/machines/${name}`, { headers: { cookie } });
  return (JSON.parse(text) as { id: string }).id;
};

/** Asks for an operation with its example. @returns the status, and the code of the error */
async function ask(remote: RemoteWorld, cookie: string, operation: Operation, machine?: string) {
  const path = addressOf(operation, machine);
  if (operation.kind === 'websocket') {
    const opened = await remote.connect(cookie, path);
    if (typeof opened === 'number') return opened;
    opened.terminate();
    return 101;
  }
  const query = new URLSearchParams(operation.example?.query).toString();
  const reply = await remote.change(
    operation.method,
    query === '' ? path : `${path}?${query}`,
    cookie,
    operation.body && operation.example?.body,
  );
  return reply.status;
}

describe('a role', () => {
  it.each([
    ['viewer', (role: Role) => role !== 'viewer'],
    ['operator', (role: Role) => role === 'owner'],
  ] as const)(
    'of a %s is refused every operation that needs more, before anything is done',
    async (role, isMore) => {
      const machine = world().machine();
      const before = await world().look(machine);
      const remote = await RemoteWorld.open(world().host, { bob: onAll(role) });
      const cookie = await remote.session('bob');
      const more = all.filter(([, operation]) => isMore(operation.role));
      expect(more.length).toBeGreaterThan(20);
      const answers: Record<string, number> = {};
      for (const [name, operation] of more) answers[name] = await ask(remote, cookie, operation);
      expect(answers).toEqual(Object.fromEntries(more.map(([name]) => [name, 403])));
      expect(await world().look(machine)).toEqual(before);
      const refusals = (await remote.audit()).filter(({ result }) => result === 'NOT_PERMITTED');
      expect(refusals.map(({ operation, user }) => [operation, user])).toEqual(
        more.map(([name]) => [name, 'bob']),
      );
    },
    60_000,
  );

  it('is at least operator for what changes something, and owner for what names files of the host', () => {
    const changes = all.filter(([, { method }]) => method !== 'GET');
    expect(changes.filter(([, { role }]) => !includes(role, 'operator'))).toEqual([]);
    const hostFiles = [
      ...['machines.set', 'machines.import', 'machines.register', 'machines.inspect', 'machines.create'],
      ...[
        'machines.clone',
        'machines.delete',
        'shares.add',
        'images.import',
        'images.upload',
        'uploads.send',
        'nics.capture',
      ],
      ...['disks.create', 'networks.addForward', 'web.listen', 'web.addUser', 'web.audit', 'daemon.stop'],
    ];
    for (const name of hostFiles)
      expect([name, operations[name as keyof typeof operations].role]).toEqual([name, 'owner']);
  });

  it('lets a viewer see, and an operator work', async () => {
    world().machine();
    const users = { vera: onAll('viewer'), otto: onAll('operator') };
    const remote = await RemoteWorld.open(world().host, users);
    const [vera, otto] = [await remote.session('vera'), await remote.session('otto')];
    for (const name of [
      'machines.list',
      'machines.show',
      'snapshots.list',
      'networks.list',
      'daemon.status',
    ] as const)
      expect([name, await ask(remote, vera, operations[name])]).toEqual([name, 200]);
    expect(await ask(remote, otto, operations['snapshots.take'])).toBe(200);
    expect((await remote.audit()).at(-1)).toEqual({
      user: 'otto',
      from: '127.0.0.1',
      operation: 'snapshots.take',
      machine: 'demo',
      result: 'ok',
    });
  });
});

describe('a user of some machines', () => {
  /** `mia` is an operator of `mine`; there is another machine, `other`. */
  const opened = async () => {
    const [mine, other] = [world().machine('mine'), world().machine('other')];
    const remote = await RemoteWorld.open(world().host);
    const ada = await remote.session('ada');
    const ids = { mine: await idOf(ada, remote, 'mine'), other: await idOf(ada, remote, 'other') };
    const grants = [{ role: 'operator', machines: ['mine'] }];
    const body = { name: 'mia', grants, password: 'correct horse battery' };
    const added = await remote.change('POST', '/v1/web/users', ada, body);
    expect(JSON.parse(added.text)).toEqual({
      name: 'mia',
      grants: [{ role: 'operator', machines: [{ id: ids.mine, name: 'mine' }] }],
    });
    return { remote, ada, mia: await remote.session('mia'), ids, mine, other };
  };

  it('reaches no other by its name, id, path or bundle, through any operation', async () => {
    const { remote, mia, ids, other } = await opened();
    const ofMachine = all.filter(([, { path }]) => path.includes('{machine}'));
    expect(ofMachine.length).toBeGreaterThan(40);
    for (const [name, operation] of ofMachine)
      expect([name, [403, 404].includes(await ask(remote, mia, operation, 'other'))]).toEqual([name, true]);
    const shown = operations['machines.show'];
    for (const reference of [
      ids.other,
      ids.other.toLowerCase(),
      other.vmx,
      other.directory,
      'OTHER',
      'nothing',
    ]) {
      const { status, text } = await remote.change('GET', addressOf(shown, reference), mia);
      expect(status).toBe(404);
      // Whether it is there does not show.
      expect((JSON.parse(text) as { message: string }).message).toBe(`There is no machine ${reference}.`);
    }
    expect(await ask(remote, mia, shown, 'mine')).toBe(200);
    expect(await ask(remote, mia, shown, ids.mine)).toBe(200);
  });

  it('has no operation of the whole host', async () => {
    const { remote, mia } = await opened();
    const host = all.filter(([, { path, byMachine }]) => !path.includes('{machine}') && !byMachine);
    const answers: [string, number][] = [];
    for (const [name, operation] of host) answers.push([name, await ask(remote, mia, operation)]);
    expect(answers).toEqual(host.map(([name]) => [name, 403]));
  });

  it('sees only its own in the list, the events, the tasks and what machines use', async () => {
    const { remote, ada, mia, ids } = await opened();
    const list = await remote.ask('/v1/machines', { headers: { cookie: mia } });
    expect((JSON.parse(list.text) as { name: string }[]).map(({ name }) => name)).toEqual(['mine']);
    const goOn = deferred();
    const about = (machine: string, id: string) => ({ id, verb: 'start', machine });
    const options = { signal: new AbortController().signal, onProgress: () => undefined };
    const taskIds = ['5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a11', '5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a12'] as const;
    const aborted: string[] = [];
    const running = [about(ids.mine, taskIds[0]), about('other', taskIds[1])].map(
      async (facts) =>
        await remote.tasks.run(facts, options, async ({ signal }) => {
          signal.addEventListener('abort', () => aborted.push(facts.machine));
          await goOn.promise;
        }),
    );
    const { text } = await remote.ask('/v1/tasks', { headers: { cookie: mia } });
    expect((JSON.parse(text) as Task[]).map(({ machine }) => machine)).toEqual(['mine']);
    const cancelled = await remote.change('DELETE', `/v1/tasks/${taskIds[1]}`, mia);
    expect(JSON.parse(cancelled.text)).toEqual({ found: false });
    expect(aborted).toEqual([]);
    goOn.resolve();
    await Promise.all(running);
    const seen: KameEvent[] = [];
    const following = remote.follow(mia, '/v1/events', (line) => seen.push(line as KameEvent));
    await following.begun;
    for (const name of ['other', 'mine'])
      expect(
        (
          await remote.change('PATCH', `/v1/machines/${name}`, ada, {
            settings: [{ key: 'guestinfo.x', value: '1' }],
          })
        ).status,
      ).toBe(200);
    await until(() => seen.length > 0);
    expect(seen.map(({ machine }) => machine)).toEqual(['mine']);
    following.stop();
  });

  it('opens no WebSocket of another machine, nor with the ticket of another session', async () => {
    const { remote, ada, mia } = await opened();
    await world().start('other');
    expect(await remote.connect(mia, '/v1/machines/other/console')).toBe(404);
    expect(await remote.connect(mia, '/v1/machines/other/screen')).toBe(404);
    const path = '/v1/machines/other/console';
    expect(await remote.connect(mia, path, await remote.ticket(ada, path))).toBe(403);
    expect(await remote.connect('', path, await remote.ticket(ada, path))).toBe(401);
  });
});

describe('a user with several roles', () => {
  /** `max` is a viewer of all machines, and an operator of `mine`. */
  const opened = async () => {
    for (const name of ['mine', 'other']) world().machine(name);
    const remote = await RemoteWorld.open(world().host);
    const ada = await remote.session('ada');
    const grants = [{ role: 'viewer' }, { role: 'operator', machines: ['mine'] }];
    const body = { name: 'max', grants, password: 'correct horse battery' };
    expect((await remote.change('POST', '/v1/web/users', ada, body)).status).toBe(200);
    const ids = { mine: await idOf(ada, remote, 'mine'), other: await idOf(ada, remote, 'other') };
    return { remote, ada, max: await remote.session('max'), ids };
  };
  const ofMachine = all.filter(([, { path }]) => path.includes('{machine}'));

  it('is refused on each machine what no role of it permits, by whatever name', async () => {
    const { remote, max, ids } = await opened();
    const refusedOf = async (role: Role, machine: string) => {
      const needing = ofMachine.filter(([, operation]) => operation.role === role);
      const answers: [string, number][] = [];
      for (const [name, operation] of needing)
        answers.push([name, await ask(remote, max, operation, machine)]);
      return answers.filter(([, status]) => status !== 403).map(([name]) => name);
    };
    for (const machine of ['other', ids.other, 'OTHER']) {
      expect(await refusedOf('operator', machine)).toEqual([]);
      expect(await refusedOf('owner', machine)).toEqual([]);
    }
    expect(await refusedOf('owner', 'mine')).toEqual([]);
    const { text } = await remote.change('POST', '/v1/machines/other/snapshots', max, {});
    expect((JSON.parse(text) as { message: string }).message).toMatch(
      /^max is viewer, and must be operator to/,
    );
    expect(await ask(remote, max, operations['snapshots.take'], ids.mine)).toBe(200);
    expect(await ask(remote, max, operations['snapshots.list'], 'mine')).toBe(200);
    for (const machine of ['mine', 'other'])
      expect(await ask(remote, max, operations['machines.show'], machine)).toBe(200);
  });

  it('has on the host what the role of all machines permits', async () => {
    const { remote, max } = await opened();
    const host = all.filter(([, { path, byMachine }]) => !path.includes('{machine}') && !byMachine);
    for (const [name, operation] of host)
      expect([name, (await ask(remote, max, operation)) === 403]).toEqual([
        name,
        operation.role !== 'viewer',
      ]);
  });

  it('does not become the operator of a machine that takes the name of another', async () => {
    const { remote, ada, max, ids } = await opened();
    const rename = async (from: string, name: string) =>
      expect((await remote.change('POST', `/v1/machines/${from}/rename`, ada, { name })).status).toBe(200);
    await rename('mine', 'old');
    await rename('other', 'mine');
    expect(await ask(remote, max, operations['snapshots.take'], 'mine')).toBe(403);
    expect(await ask(remote, max, operations['snapshots.take'], ids.mine)).toBe(200);
  });

  it('cancels only the tasks of machines that it may work with', async () => {
    const { remote, max, ids } = await opened();
    const goOn = deferred();
    const aborted: string[] = [];
    const running = ['mine', 'other'].map(async (machine, at) => {
      const about = { id: `5a0f2c9e-6d0b-4d0e-9d0a-3f5f0e6f7a2${at}`, verb: 'start', machine };
      const options = { signal: new AbortController().signal, onProgress: () => undefined };
      await remote.tasks.run(about, options, async ({ signal }) => {
        signal.addEventListener('abort', () => aborted.push(machine));
        await goOn.promise;
      });
    });
    const tasks = await remote.ask('/v1/tasks', { headers: { cookie: max } });
    const list = JSON.parse(tasks.text) as Task[];
    expect(new Set(list.map(({ machine }) => machine))).toEqual(new Set(['mine', 'other']));
    for (const { id } of list) await remote.change('DELETE', `/v1/tasks/${id}`, max);
    expect(aborted).toEqual(['mine']);
    goOn.resolve();
    await Promise.allSettled(running);
    expect(ids.mine).not.toBe(ids.other);
  });
});

describe('what is open', () => {
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
