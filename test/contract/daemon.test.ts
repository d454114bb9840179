import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { machine, machineDetails } from '../../src/api/machine.ts';
import { daemonStatus, errorBody } from '../../src/api/messages.ts';
import { ndjson, versionHeader } from '../../src/api/protocol.ts';
import { pathOf, useHomes, valid } from './daemon-support.ts';

const useServer = useHomes();

describe('the daemon', () => {
  it('refuses a client of another version, but reports its own version', async () => {
    const server = await useServer();
    const headers = { [versionHeader]: '9.9.9' };
    const refused = await server.inject({ url: pathOf('machines.list'), headers });
    expect(refused.statusCode).toBe(426);
    expect(errorBody.parse(refused.json())).toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    const status = await server.inject({ url: pathOf('daemon.status'), headers });
    expect(daemonStatus.parse(status.json())).toMatchObject({ running: true, version: '1.2.3', machines: 0 });
    expect(
      (await server.inject({ url: pathOf('machines.list'), headers: { [versionHeader]: '1.2.3' } })).json(),
    ).toEqual([]);
  });

  it.each([
    ['an unknown field', { name: 'a', colour: 'red' }, 'colour'],
    ['a wrong type', { name: 'a', cpus: 'two' }, 'cpus'],
    ['no name', {}, 'name'],
  ])('names what is wrong with a request that has %s', async (_name, payload, field) => {
    const server = await useServer();
    const answer = await server.inject({ method: 'POST', url: pathOf('machines.create'), payload });
    expect(answer.statusCode).toBe(400);
    const body = errorBody.parse(answer.json());
    expect(body.code).toBe('USAGE');
    expect(body.message).toContain(field);
  });

  it('refuses a body that is not JSON or too large, and a path that does not exist', async () => {
    const server = await useServer();
    const headers = { 'content-type': 'application/json' };
    const post = async (payload: string) =>
      await server.inject({ method: 'POST', url: pathOf('machines.create'), headers, payload });
    for (const payload of ['{"name":', `{"name": "${'a'.repeat(5 * 1024 * 1024)}"}`]) {
      const answer = await post(payload);
      expect(answer.statusCode).toBe(400);
      expect(errorBody.parse(answer.json()).code).toBe('USAGE');
    }
    const nowhere = await server.inject({ url: '/v1/nothing' });
    expect([nowhere.statusCode, errorBody.parse(nowhere.json()).code]).toEqual([404, 'USAGE']);
    const deep = await post(`{"__proto__": {"name": "a"}}`);
    expect(deep.statusCode).toBe(400);
  });

  it('lists and shows a machine by name and by path; an unknown one is 404', async () => {
    const server = await useServer(valid);
    const [only] = z.array(machine).parse((await server.inject({ url: pathOf('machines.list') })).json());
    expect(only).toMatchObject({
      name: 'demo',
      state: 'stopped',
      arch: 'aarch64',
      memoryBytes: 512 * 1024 ** 2,
    });
    for (const reference of ['demo', only?.path ?? '']) {
      const answer = await server.inject({ url: pathOf('machines.show', { machine: reference }) });
      expect(machineDetails.parse(answer.json())).toMatchObject({ name: 'demo', pid: null });
    }
    const missing = await server.inject({ url: pathOf('machines.show', { machine: 'dem' }) });
    expect(missing.statusCode).toBe(404);
    expect(errorBody.parse(missing.json()).message).toBe('There is no machine dem. Did you mean demo?');
  });

  it('gives an error of a long operation its status, or the last line of a stream', async () => {
    const server = await useServer(valid);
    const plain = await server.inject({ method: 'POST', url: pathOf('machines.stop'), payload: {} });
    expect([plain.statusCode, errorBody.parse(plain.json()).code]).toEqual([409, 'WRONG_STATE']);
    const payload = { name: 'other', image: 'tiny' };
    const streamed = await server.inject({
      method: 'POST',
      url: pathOf('machines.list'),
      headers: { accept: ndjson },
      payload,
    });
    expect(errorBody.parse(streamed.json())).toMatchObject({ code: 'INTERNAL' });
  });

  it('lists a machine that cannot be read as broken, with the reason', async () => {
    const server = await useServer('\0\0ELF');
    expect((await server.inject({ url: pathOf('machines.list') })).json()).toMatchObject([
      { name: 'demo', state: 'broken', id: '' },
    ]);
    const details = machineDetails.parse((await server.inject({ url: pathOf('machines.show') })).json());
    expect(details.problems).toMatchObject([{ severity: 'error' }]);
    const start = await server.inject({ method: 'POST', url: pathOf('machines.start'), payload: {} });
    expect(errorBody.parse(start.json())).toMatchObject({ code: 'BROKEN_MACHINE' });
  });

  it('changes settings: all or none, and says which', async () => {
    const server = await useServer(valid);
    const set = async (...settings: { key: string; value: string }[]) =>
      await server.inject({ method: 'PATCH', url: pathOf('machines.set'), payload: { settings } });
    const bad = await set({ key: 'cpus', value: '2' }, { key: 'memory', value: '10TiB' });
    expect(errorBody.parse(bad.json())).toMatchObject({ code: 'INVALID_VALUE' });
    expect((await server.inject({ url: pathOf('machines.show') })).json()).toMatchObject({ cpus: 1 });
    expect((await set({ key: 'cpus', value: '2' })).json()).toMatchObject({ cpus: 2 });
  });
});
