import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as api from '../../src/api/checkpoint.ts';
import { errorBody } from '../../src/api/messages.ts';
import type { BodyInput } from '../../src/api/operations.ts';
import { ndjson } from '../../src/api/protocol.ts';
import { pathOf, useHomes, useRefusingServer, valid } from './daemon-support.ts';

const useServer = useHomes();
const refusing = useRefusingServer(valid);

describe('a request about checkpoints', () => {
  it.each([
    ['POST', pathOf('snapshots.take'), { label: '' }, 'label'],
    ['POST', pathOf('snapshots.take'), { label: 'a\nb' }, 'label'],
    ['POST', pathOf('snapshots.take'), { label: 'a\u202eb' }, 'label'],
    ['POST', pathOf('snapshots.take'), { label: 'x'.repeat(256) }, 'label'],
    ['POST', pathOf('snapshots.take'), { memory: true }, 'memory'],
    ['PATCH', pathOf('snapshots.edit', { snapshot: 'a' }), {}, 'label or description'],
    ['DELETE', `${pathOf('snapshots.delete', { snapshot: 'a' })}?children=perhaps`, undefined, 'children'],
    ['POST', pathOf('snapshots.revert', { snapshot: 'a' }), { wait: 'long' }, 'wait'],
    ['POST', pathOf('machines.clone'), { name: 'b' }, 'kind'],
    ['POST', pathOf('machines.clone'), { name: 'b', kind: 'half' }, 'kind'],
    ['POST', pathOf('machines.clone'), { name: 'b', kind: 'full', count: 0 }, 'count'],
    ['POST', pathOf('machines.clone'), { name: 'b', kind: 'full', count: 101 }, 'count'],
    ['POST', pathOf('disks.add'), { sizeBytes: 0 }, 'sizeBytes'],
    ['POST', pathOf('disks.grow', { disk: 'nvme0:0' }), {}, 'sizeBytes'],
    ['POST', pathOf('disks.check', { disk: 'nvme0:0' }), { repair: 'yes' }, 'repair'],
    ['DELETE', `${pathOf('disks.remove', { disk: 'nvme0:0' })}?keepFile=1x`, undefined, 'keepFile'],
  ] as const)('%s %s %j is refused, naming the field', async (method, url, payload, field) => {
    const { server } = await refusing();
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    expect(answer.statusCode).toBe(400);
    const body = errorBody.parse(answer.json());
    expect(body.code).toBe('USAGE');
    expect(body.message).toContain(field);
  });

  it.each([
    ['GET', pathOf('snapshots.show', { snapshot: 'nine' })],
    ['PATCH', pathOf('snapshots.edit', { snapshot: '#9' })],
    ['DELETE', `${pathOf('snapshots.delete', { snapshot: '/nine' })}?children=true`],
    ['POST', pathOf('snapshots.revert', { snapshot: 'a..b' })],
  ] as const)('%s %s: there is no such snapshot', async (method, url) => {
    const { server } = await refusing();
    const payload = { PATCH: { label: 'x' }, POST: {}, GET: undefined, DELETE: undefined }[method];
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    expect([answer.statusCode, errorBody.parse(answer.json()).code]).toEqual([404, 'NO_SUCH_SNAPSHOT']);
  });

  it.each([
    ['a bad name', { name: '../b', kind: 'full' }, 'INVALID_NAME'],
    ['a name that is taken', { name: 'demo', kind: 'full' }, 'ALREADY_EXISTS'],
    ['a snapshot that is not there', { name: 'b', kind: 'linked', snapshot: 'nine' }, 'NO_SUCH_SNAPSHOT'],
    ['a stopped machine', { name: 'b', kind: 'instant' }, 'WRONG_STATE'],
  ] as const)('for a clone with %s is refused', async (_what, payload, code) => {
    const { server } = await refusing();
    const answer = await server.inject({ method: 'POST', url: pathOf('machines.clone'), payload });
    expect(errorBody.parse(answer.json()).code).toBe(code);
    expect((await server.inject({ url: pathOf('machines.list') })).json()).toHaveLength(1);
  });

  it.each([
    ['POST', pathOf('disks.grow', { disk: 'nvme0:9' }), { sizeBytes: 1024 ** 3 }],
    ['POST', pathOf('disks.compact', { disk: '../x.qcow2' }), {}],
    ['POST', pathOf('disks.check', { disk: 'disk9.qcow2' }), {}],
    ['DELETE', `${pathOf('disks.remove', { disk: 'nvme0:9' })}?keepFile=true`, undefined],
  ] as const)('%s %s: there is no such disk', async (method, url, payload) => {
    const { server } = await refusing();
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    const { code, message } = errorBody.parse(answer.json());
    expect([answer.statusCode, code]).toEqual([400, 'INVALID_VALUE']);
    expect(message).toContain('demo has no disk');
  });

  it('that a stopped machine cannot fulfil is refused with the reason', async () => {
    const { server } = await refusing();
    const answer = await server.inject({ method: 'POST', url: pathOf('machines.suspend'), payload: {} });
    expect(errorBody.parse(answer.json())).toMatchObject({ code: 'WRONG_STATE' });
    const nobody = await server.inject({ url: pathOf('snapshots.list', { machine: 'nobody' }) });
    expect(errorBody.parse(nobody.json())).toMatchObject({ code: 'NO_SUCH_MACHINE' });
  });
});

describe('snapshots of a stopped machine', () => {
  it('are taken, listed as a tree, described, reverted to and deleted', async () => {
    const server = await useServer(valid);
    const take = async (payload: BodyInput<'snapshots.take'>) =>
      await server.inject({ method: 'POST', url: pathOf('snapshots.take'), payload });
    const list = async () =>
      z.array(api.snapshot).parse((await server.inject({ url: pathOf('snapshots.list') })).json());

    expect(await list()).toEqual([]);
    const first = api.takenSnapshot.parse((await take({ label: 'a/b é' })).json());
    expect(first).toMatchObject({
      label: 'a/b é',
      parent: null,
      state: 'stopped',
      memory: false,
      stoppedMs: null,
    });
    expect(api.takenSnapshot.parse((await take({})).json()).parent).toBe(first.uid);
    expect(errorBody.parse((await take({ label: 'a/b é' })).json()).code).toBe('ALREADY_EXISTS');

    const revert = await server.inject({
      method: 'POST',
      url: pathOf('snapshots.revert', { snapshot: 'a/b é' }),
      payload: {},
    });
    expect(api.revertedMachine.parse(revert.json())).toMatchObject({ state: 'stopped', snapshot: 'a/b é' });
    const url = pathOf('snapshots.show', { snapshot: `#${first.uid}` });
    const edited = await server.inject({ method: 'PATCH', url, payload: { label: 'c', description: 'why' } });
    expect(api.snapshot.parse(edited.json())).toMatchObject({ label: 'c', path: '/c', current: true });
    expect(api.snapshotDetails.parse((await server.inject({ url })).json())).toMatchObject({
      description: 'why',
      engine: null,
      problems: [],
    });
    expect((await list()).map(({ depth, current }) => [depth, current])).toEqual([
      [0, true],
      [1, false],
    ]);

    const gone = await server.inject({
      method: 'DELETE',
      url: `${pathOf('snapshots.delete', { snapshot: 'c' })}?children=true`,
      headers: { accept: ndjson },
    });
    const last = z
      .object({ type: z.literal('result'), result: api.deletedSnapshots })
      .parse(JSON.parse(gone.body.trimEnd().split('\n').at(-1) ?? ''));
    expect(last.result.deleted.length).toBe(2);
    expect(await list()).toEqual([]);
  });
});
