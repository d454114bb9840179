import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveOf, expectInTmp, useCopies } from '../../../test/support/copies.ts';
import { refused } from '../../../test/support/refused.ts';
import { quiet, until } from '../../../test/support/world.ts';
import { pause } from '../power/pause.ts';
import { adoptAll } from '../recovery/adopt.ts';
import { runScript } from './script.ts';

const { world, startGuest, makeTree, stalledArchive, put, expectClean } = useCopies();

describe('a copy into a guest', () => {
  it('that is cancelled, or cut off, leaves nothing', async () => {
    const { guest, engine } = await startGuest();
    const stop = new AbortController();
    const { source, archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive, { signal: stop.signal });
    await until(() => readdirSync(join(guest.root, 'tmp')).some((name) => name.startsWith('.kame-copy')));
    expect((await refused(pause(world().host, 'demo', quiet))).code).toBe('BUSY');
    stop.abort();
    // What the client sends, ends with the client.
    letGo();
    expect(await refused(copying)).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('was removed') as string,
    });
    await expectInTmp(guest, []);
    expectClean(engine);
    async function* half(): AsyncGenerator<Buffer> {
      for await (const part of archiveOf(source)) {
        yield part.subarray(0, 600);
        break;
      }
    }
    expect(await refused(put('/tmp/', half()))).toMatchObject({ code: 'INVALID_VALUE' });
    expectClean(engine);
  });

  it('whose disk is plugged in only after all takes it out again', async () => {
    const { engine } = await startGuest();
    const { engines } = world();
    // As an engine that has answered too late.
    engines.troubles.before('device_add', () => {
      const [id = ''] = engine.transfer.nodes.keys();
      engine.transfer.plug({ id, driver: 'scsi-hd', drive: id, product: id.slice(5) });
    });
    expect((await refused(put('/tmp', archiveOf(makeTree())))).code).toBe('ENGINE_FAILED');
    expectClean(engine);
  });

  it('whose disk cannot be taken out keeps its file, and the next daemon takes it out', async () => {
    const { engine } = await startGuest();
    const { engines } = world();
    engines.troubles.refuse('blockdev-del', 'The node is not for you');
    await put('/tmp', archiveOf(makeTree()));
    const { directory: run } = world().running().run;
    expect(readdirSync(run).filter((name) => name.startsWith('copy-'))).toHaveLength(1);
    expect(world().logged.join('\n')).toContain('Could not take out a part of a copy');
    await world().replaceHost();
    await adoptAll(world().host);
    expectClean(engine);
  });

  it('that is cancelled while the guest keeps a part of it says so', async () => {
    const { guest } = await startGuest();
    const stop = new AbortController();
    const { archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive, { signal: stop.signal });
    const staged = () => readdirSync(join(guest.root, 'tmp')).find((name) => name.startsWith('.kame-copy-'));
    await until(() => staged() !== undefined);
    const stage = staged() ?? '';
    guest.refused = 'clean';
    stop.abort();
    expect(await refused(copying)).toMatchObject({
      code: 'CANCELLED',
      message: expect.stringContaining('may be in the guest') as string,
      next: expect.stringContaining(stage) as string,
    });
    letGo();
  });

  it.each(['dir', '/tmp/dir', '/dir'])('to the new name %s is cleaned beside it, and in it', async (path) => {
    const { guest } = await startGuest();
    const dir = join(guest.root, path.startsWith('/') ? path : join('root', path));
    mkdirSync(dir);
    for (const place of [dir, join(dir, '..')]) mkdirSync(join(place, '.kame-copy-0a1b2c3d'));
    await runScript(world().running(), 'put', ['clean', '0a1b2c3d', path, 'no'], quiet);
    expect(readdirSync(dir)).toEqual([]);
    expect(readdirSync(join(dir, '..'))).not.toContain('.kame-copy-0a1b2c3d');
  });

  it('that has ended costs the engine nothing when the next daemon starts', async () => {
    await startGuest();
    await put('/tmp', archiveOf(makeTree()));
    const asked = world().engines.troubles.before('query-named-block-nodes', () => undefined);
    await world().replaceHost();
    await adoptAll(world().host);
    expect(asked.met).toBeNull();
  });

  it('of a daemon that is killed is taken out by the next, and ends in the guest', async () => {
    const { guest, engine } = await startGuest();
    const { archive, letGo } = stalledArchive();
    const copying = put('/tmp/', archive);
    const staged = () => readdirSync(join(guest.root, 'tmp')).filter((name) => name.startsWith('.kame-copy'));
    // A guest that has not seen its first disk yet gives it longer to come.
    await until(() => staged().some((name) => existsSync(join(guest.root, 'tmp', name, 'list'))));
    world().abandonHost(copying);
    await adoptAll(world().host);
    expectClean(engine);
    await until(() => staged().length === 0);
    expect(existsSync(join(guest.root, 'tmp/big'))).toBe(false);
    letGo();
  });
});
