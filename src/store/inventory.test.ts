import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { createBundle, creatingName, deletingName } from './bundle-directory.ts';
import { Inventory } from './inventory.ts';
import { homeNames, type HomeNames } from './names.ts';

const temporary = useTemporaryDirectory();

async function makeBundle(home: HomeNames, name: string): Promise<string> {
  const vmx = join(home.machines, `${name}.vmwarevm`, `${name}.vmx`);
  await createBundle(vmx, creatingName(vmx), async (directory) => {
    await writeFile(join(directory, `${name}.vmx`), `displayName = "${name}"\n`);
  });
  return vmx;
}

describe('Inventory', () => {
  it('finds the bundles in the home by itself, and others by registration', async () => {
    const directory = { path: temporary() };
    const home = homeNames(join(directory.path, 'home'));
    const inventory = new Inventory(home);
    expect(await inventory.paths()).toEqual([]);
    const own = await makeBundle(home, 'own');
    const foreign = join(directory.path, 'elsewhere', 'vm.vmx');
    await inventory.register(foreign);
    await inventory.register(foreign);
    await inventory.register(own);
    expect(await new Inventory(home).paths()).toEqual([foreign, own].sort());
    await inventory.unregister(own);
    await inventory.unregister(foreign);
    expect(await inventory.paths()).toEqual([]);
    expect(existsSync(own)).toBe(true);
    await inventory.register(own);
    expect(await inventory.paths()).toEqual([own]);
  });

  it('still knows what was unregistered after its home was moved, and until the bundle is gone', async () => {
    const directory = temporary();
    const [home, moved] = ['home', 'moved'].map((name) => homeNames(join(directory, name))) as [
      HomeNames,
      HomeNames,
    ];
    const own = await makeBundle(home, 'own');
    await new Inventory(home).unregister(own);
    await rename(home.home, moved.home);
    const inventory = new Inventory(moved);
    await inventory.collectGarbage();
    expect(await inventory.paths()).toEqual([]);
    await rm(join(moved.machines, 'own.vmwarevm'), { recursive: true });
    await inventory.collectGarbage();
    expect(await inventory.paths()).toEqual([]);
    const next = await makeBundle(moved, 'own');
    expect(await inventory.paths()).toEqual([next]);
  });

  it('keeps the machines of the home if its file is lost, and reports a damaged file', async () => {
    const directory = { path: temporary() };
    const home = homeNames(directory.path);
    const own = await makeBundle(home, 'own');
    expect(await new Inventory(home).paths()).toEqual([own]);
    await writeFile(home.inventory, '{"registered": ["/a.vmx", 7, null], "deleting": [{"vmx": 1}, "x"]}');
    expect(await new Inventory(home).paths()).toEqual(['/a.vmx', own].sort());
    await writeFile(home.inventory, '{"registered": [');
    await expect(new Inventory(home).paths()).rejects.toMatchObject({
      code: 'FILE_ACCESS',
      message: `${home.inventory} is not valid JSON. The machines that it lists are missing.`,
    });
  });

  it('lists a bundle without a .vmx, and accepts a .vmx with another name', async () => {
    const directory = { path: temporary() };
    const home = homeNames(directory.path);
    await mkdir(join(home.machines, 'empty.vmwarevm'), { recursive: true });
    await mkdir(join(home.machines, 'renamed.vmwarevm'));
    await writeFile(join(home.machines, 'renamed.vmwarevm', 'old.vmx'), '');
    expect(await new Inventory(home).paths()).toEqual([
      join(home.machines, 'empty.vmwarevm', 'empty.vmx'),
      join(home.machines, 'renamed.vmwarevm', 'old.vmx'),
    ]);
  });

  it('deletes a bundle together with its registration', async () => {
    const directory = { path: temporary() };
    const home = homeNames(join(directory.path, 'home'));
    const inventory = new Inventory(home);
    const bundle = join(directory.path, 'vm.vmwarevm');
    await mkdir(bundle);
    const vmx = join(bundle, 'vm.vmx');
    await writeFile(vmx, '');
    await inventory.register(vmx);
    await inventory.deleteFiles({ vmx, aside: deletingName(directory.path, 'vm'), files: [] });
    expect(await readdir(directory.path)).toEqual(['home']);
    expect(await inventory.paths()).toEqual([]);
  });

  it('completes a deletion that was killed after it had begun, and forgets one that never began', async () => {
    const directory = { path: temporary() };
    const home = homeNames(join(directory.path, 'home'));
    await mkdir(home.home);
    const half = deletingName(directory.path, 'half');
    await mkdir(half);
    await writeFile(join(half, 'disk0.qcow2'), 'x');
    const whole = join(directory.path, 'whole.vmwarevm', 'whole.vmx');
    await mkdir(join(directory.path, 'whole.vmwarevm'));
    await writeFile(whole, '');
    const gone = join(directory.path, 'half.vmwarevm', 'half.vmx');
    const deleting = [
      { vmx: gone, aside: half, files: [] },
      { vmx: whole, aside: deletingName(directory.path, 'whole'), files: [] },
      // Nothing is removed unless it looks like ours.
      { vmx: whole, aside: directory.path, files: [] },
    ];
    await writeFile(
      home.inventory,
      JSON.stringify({ registered: [gone, whole], unregistered: [], deleting }),
    );
    const inventory = new Inventory(home);
    await inventory.collectGarbage();
    expect(existsSync(half)).toBe(false);
    expect(existsSync(whole)).toBe(true);
    expect(await inventory.paths()).toEqual([whole]);
    expect(JSON.parse(await readFile(home.inventory, 'utf8'))).toMatchObject({ deleting: [] });
  });

  it('removes incomplete bundles, and nothing else', async () => {
    const directory = { path: temporary() };
    const home = homeNames(directory.path);
    await makeBundle(home, 'whole');
    for (const name of ['.demo.12345678.creating', '.demo.12345678.deleting', '.keep']) {
      await mkdir(join(home.machines, name));
    }
    await new Inventory(home).collectGarbage();
    expect((await readdir(home.machines)).sort()).toEqual(['.keep', 'whole.vmwarevm']);
  });
});

describe('createBundle', () => {
  it('leaves nothing behind when filling fails, and rejects a name in use', async () => {
    const directory = { path: temporary() };
    const home = homeNames(directory.path);
    const vmx = join(home.machines, 'demo.vmwarevm', 'demo.vmx');
    const failing = createBundle(vmx, creatingName(vmx), async (bundle) => {
      await writeFile(join(bundle, 'disk0.qcow2'), 'half');
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    });
    await expect(failing).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await readdir(home.machines)).toEqual([]);
    await makeBundle(home, 'demo');
    await expect(makeBundle(home, 'demo')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readdir(home.machines)).toEqual(['demo.vmwarevm']);
  });

  it('fills an empty directory, but no other', async () => {
    const parent = temporary();
    const place = join(parent, 'out');
    const vmx = join(place, 'a.vmx');
    const fill = async (directory: string) => await writeFile(join(directory, 'a.vmx'), '');
    await mkdir(place);
    await createBundle(vmx, creatingName(vmx), fill);
    expect(await readdir(place)).toEqual(['a.vmx']);
    await expect(createBundle(vmx, creatingName(vmx), fill)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect(await readdir(parent)).toEqual(['out']);
  });

  it('forgets what a kill left incomplete elsewhere, and removes only that', async () => {
    const parent = temporary();
    const home = homeNames(join(parent, 'home'));
    const inventory = new Inventory(home);
    const aside = creatingName(join(parent, 'out', 'a.vmx'));
    const killed = inventory.whileCreating(aside, async () => {
      await mkdir(aside);
      await new Promise(() => undefined);
    });
    void killed;
    await expect.poll(() => existsSync(aside)).toBe(true);
    await mkdir(join(parent, '.b.00000000.creating'));
    await new Inventory(home).collectGarbage();
    expect((await readdir(parent)).sort()).toEqual(['.b.00000000.creating', 'home']);
  });

  it('lets only one of two concurrent calls succeed', async () => {
    const directory = { path: temporary() };
    const home = homeNames(directory.path);
    const results = await Promise.allSettled([makeBundle(home, 'demo'), makeBundle(home, 'demo')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await readdir(home.machines)).toEqual(['demo.vmwarevm']);
  });
});
