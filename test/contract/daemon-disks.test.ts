import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import * as api from '../../src/api/checkpoint.ts';
import { errorBody } from '../../src/api/messages.ts';
import { ndjson } from '../../src/api/protocol.ts';
import { pathOf, useHomes, useRefusingServer, valid } from './daemon-support.ts';

const useServer = useHomes();
const refusing = useRefusingServer(valid);
const mebibyte = 1024 * 1024;

describe('a request about disks and AutoProtect', () => {
  it.each([
    ['POST', pathOf('disks.add'), {}, 'sizeBytes'],
    ['POST', pathOf('disks.add'), { sizeBytes: 0.5 }, 'sizeBytes'],
    ['POST', pathOf('disks.add'), { sizeBytes: mebibyte, bus: 'nvme' }, 'bus'],
    ['POST', pathOf('disks.grow', { disk: 'nvme0:0' }), { sizeBytes: -1 }, 'sizeBytes'],
    ['POST', pathOf('disks.check', { disk: 'nvme0:0' }), { repair: 'yes' }, 'repair'],
    ['DELETE', `${pathOf('disks.remove', { disk: 'nvme0:0' })}?keepFile=perhaps`, undefined, 'keepFile'],
    ['PUT', pathOf('autoProtect.set'), { enabled: true, every: '2h' }, 'every'],
    ['PUT', pathOf('autoProtect.set'), { enabled: true, keep: 0 }, 'keep'],
  ] as const)('%s %s %j is refused, naming the field', async (method, url, payload, field) => {
    const { server } = await refusing();
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    expect(answer.statusCode).toBe(400);
    const body = errorBody.parse(answer.json());
    expect([body.code, body.message]).toEqual(['USAGE', expect.stringContaining(field)]);
  });

  it.each([
    ['POST', pathOf('disks.grow', { disk: 'nvme0:1' }), { sizeBytes: mebibyte }],
    ['POST', pathOf('disks.compact', { disk: 'a b.qcow2' }), {}],
    ['POST', pathOf('disks.check', { disk: '/a/b' }), {}],
    ['DELETE', `${pathOf('disks.remove', { disk: 'nvme0:1' })}?keepFile=true`, undefined],
  ] as const)('%s %s: there is no such disk', async (method, url, payload) => {
    const { server } = await refusing();
    const answer = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    const { code, message } = errorBody.parse(answer.json());
    expect([answer.statusCode, code, message]).toEqual([
      400,
      'INVALID_VALUE',
      expect.stringContaining('has no disk'),
    ]);
  });
});

it('a disk is added, listed, grown, compacted, checked and removed, in the documented shapes', async () => {
  const server = await useServer(valid);
  const post = async (url: string, payload: object) => await server.inject({ method: 'POST', url, payload });
  const added = api.machineDisk.parse((await post(pathOf('disks.add'), { sizeBytes: mebibyte })).json());
  expect(added).toMatchObject({ slot: 'nvme0:0', sizeBytes: mebibyte });
  const grown = await post(pathOf('disks.grow', { disk: 'disk0.qcow2' }), { sizeBytes: 2 * mebibyte });
  expect(api.grownDisk.parse(grown.json())).toMatchObject({ sizeBytes: 2 * mebibyte, bytesAdded: mebibyte });
  expect(
    api.compactedDisk.parse((await post(pathOf('disks.compact', { disk: 'nvme0:0' }), {})).json()).slot,
  ).toBe('nvme0:0');
  for (const url of [pathOf('disks.checkAll'), pathOf('disks.check', { disk: 'nvme0:0' })]) {
    const lines = (await server.inject({ method: 'POST', url, payload: {}, headers: { accept: ndjson } }))
      .body;
    const last = z
      .object({ type: z.literal('result'), result: api.checkedDisks })
      .parse(JSON.parse(lines.trimEnd().split('\n').at(-1) ?? ''));
    expect(last.result).toMatchObject({ ok: true, layers: [{ slot: 'nvme0:0', message: 'clean' }] });
  }
  const list = async () =>
    z.array(api.machineDisk).parse((await server.inject({ url: pathOf('disks.list') })).json());
  expect(await list()).toHaveLength(1);
  const removed = await server.inject({ method: 'DELETE', url: pathOf('disks.remove', { disk: 'nvme0:0' }) });
  expect(api.removedDisk.parse(removed.json())).toMatchObject({ slot: 'nvme0:0', fileKept: false });
  expect(await list()).toEqual([]);
});

it('AutoProtect is shown and set in the documented shape', async () => {
  const server = await useServer(valid);
  const url = pathOf('autoProtect.show');
  expect(api.autoProtect.parse((await server.inject({ url })).json()).enabled).toBe(false);
  const set = await server.inject({ method: 'PUT', url, payload: { enabled: true, every: '1h', keep: 5 } });
  const settings = api.autoProtect.parse(set.json());
  expect(settings).toMatchObject({ enabled: true, every: '1h', keep: 5, nextInMs: 3_600_000 });
  expect((await server.inject({ url })).json()).toEqual(settings);
});
