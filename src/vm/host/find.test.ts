import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namesIn } from '../../../test/support/library.ts';
import { like, refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { rename } from '../library/rename.ts';
import { show } from '../running/describe.ts';

const world = useWorld();

describe('a machine', () => {
  it('is found by name, id or path, and a similar name is suggested', async () => {
    const demo = world().machine();
    const { id } = await show(world().host, 'demo');
    for (const reference of [id, id.toUpperCase(), id.replaceAll('-', ''), demo.vmx, demo.directory])
      expect((await show(world().host, reference)).name).toBe('demo');
    expect(await refused(show(world().host, 'dmeo'))).toMatchObject({
      code: 'NO_SUCH_MACHINE',
      message: like(/demo/),
    });
  });

  it('whose .vmx is a link to another file is found by its path, as it is listed', async () => {
    const demo = world().machine();
    renameSync(demo.vmx, demo.file('other.txt'));
    symlinkSync('other.txt', demo.vmx);
    expect(await show(world().host, demo.vmx)).toMatchObject({ name: 'demo', state: 'broken' });
  });

  it('whose name another machine has too keeps it if its bundle has it; the other is found by its bundle', async () => {
    const demo = world().machine();
    const other = world().machine('other');
    writeFileSync(
      other.vmx,
      other.read('other.vmx').replace('displayName = "other"', 'displayName = "demo"'),
    );
    for (const { vmx, name } of [demo, other]) {
      expect(await show(world().host, name)).toMatchObject({ path: vmx, name });
      expect(await show(world().host, vmx)).toMatchObject({ path: vmx, name });
    }
  });

  it('is found however the letters of its name are composed, and is named with composed ones', async () => {
    const name = 'Übung é';
    world().machine(name.normalize('NFD'));
    expect((await show(world().host, name)).name.normalize('NFC')).toBe(name);
    expect((await rename(world().host, name, name)).path).toContain(name.normalize('NFD'));
    world().machine('demo');
    expect((await rename(world().host, 'demo', 'ä'.normalize('NFD'))).name).toBe('ä');
    expect((await refused(rename(world().host, 'ä', name))).code).toBe('ALREADY_EXISTS');
  });

  it('whose id another machine has too is found by its path', async () => {
    const demo = world().machine();
    const other = world().machine('other');
    writeFileSync(other.vmx, demo.read('demo.vmx').replace('displayName = "demo"', 'displayName = "other"'));
    const { id } = await show(world().host, 'demo');
    expect(await refused(show(world().host, id))).toMatchObject({
      code: 'USAGE',
      message: `${id} could mean 2 machines.`,
      next: like(/other\.vmx/),
    });
  });

  it('whose name has a line break cannot forge a line of a list or a log', async () => {
    const demo = world().machine();
    const forged = demo.read('demo.vmx').replace('"demo"', '"demo|0Aweb  running|1B[2J"');
    writeFileSync(demo.vmx, forged);
    const name = 'demo\uFFFDweb  running\uFFFD[2J';
    expect(await namesIn(world())).toEqual([name]);
    expect((await show(world().host, name)).path).toBe(demo.vmx);
  });
});
