import { describe, expect, it } from 'vitest';
import type { KameEvent, Task } from '../../src/api/messages.ts';
import { operations } from '../../src/api/operations.ts';
import { includes, type Role } from '../../src/api/role.ts';
import { deferred } from '../../src/core/deferred.ts';
import { onAll } from '../support/daemon-facts.ts';
import { addressOf, all, ask, idOf } from '../support/remote-operations.ts';
import { RemoteWorld } from '../support/remote-world.ts';
import { until, useWorld } from '../support/world.ts';

const world = useWorld();

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
