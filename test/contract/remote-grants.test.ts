import { describe, expect, it } from 'vitest';
import type { Task } from '../../src/api/messages.ts';
import { operations } from '../../src/api/operations.ts';
import type { Role } from '../../src/api/role.ts';
import { deferred } from '../../src/core/deferred.ts';
import { all, ask, idOf } from '../support/remote-operations.ts';
import { RemoteWorld } from '../support/remote-world.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

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
