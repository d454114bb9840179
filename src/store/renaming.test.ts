import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useTemporaryDirectory } from '../../test/support/temporary-directory.ts';
import { Inventory } from './inventory.ts';
import { homeNames, type HomeNames } from './names.ts';

const temporary = useTemporaryDirectory();
let place = '';
let home: HomeNames;
let paths: [from: string, moved: string, renamed: string];

beforeEach(() => {
  place = temporary();
  home = homeNames(join(place, 'home'));
  const bundle = (name: string) => join(place, `${name}.vmwarevm`);
  paths = [join(bundle('a'), 'a.vmx'), join(bundle('b'), 'a.vmx'), join(bundle('b'), 'b.vmx')];
  mkdirSync(dirname(paths[0]));
  mkdirSync(home.machines, { recursive: true });
  writeFileSync(paths[0], '');
});

/** What is done up to a kill after so many steps, and the start of the next daemon. */
async function renamedUntil(steps: number): Promise<Inventory> {
  const inventory = new Inventory(home);
  await inventory.beginRenaming(paths);
  if (steps > 0) renameSync(dirname(paths[0]), dirname(paths[1]));
  if (steps > 1) renameSync(paths[1], paths[2]);
  await new Inventory(home).collectGarbage();
  return new Inventory(home);
}

const recorded = () => (JSON.parse(readFileSync(home.inventory, 'utf8')) as { renaming: unknown }).renaming;

describe('a renaming that was interrupted', () => {
  it.each([0, 1, 2])(
    'leaves one path of a registered machine, with what was agreed: %i steps',
    async (steps) => {
      await new Inventory(home).register(paths[0]);
      await new Inventory(home).agree(paths[0], ['/srv/a.iso']);
      const inventory = await renamedUntil(steps);
      const path = paths[steps] as string;
      expect([await inventory.paths(), await inventory.agreedFiles(path), recorded()]).toEqual([
        [path],
        ['/srv/a.iso'],
        [],
      ]);
    },
  );

  it.each([0, 1, 2])('leaves one link to a bundle elsewhere: %i steps', async (steps) => {
    symlinkSync(dirname(paths[0]), join(home.machines, 'a.vmwarevm'));
    const inventory = await renamedUntil(steps);
    expect(await inventory.paths()).toEqual([paths[steps]]);
    expect(readdirSync(home.machines)).toEqual([steps === 0 ? 'a.vmwarevm' : 'b.vmwarevm']);
  });

  it('is settled later if the drive of the machine is not there', async () => {
    await new Inventory(home).register(paths[0]);
    await new Inventory(home).beginRenaming(paths);
    renameSync(dirname(paths[0]), join(place, 'unplugged'));
    await new Inventory(home).collectGarbage();
    expect(await new Inventory(home).paths()).toEqual(paths);
    renameSync(join(place, 'unplugged'), dirname(paths[1]));
    await new Inventory(home).collectGarbage();
    expect(await new Inventory(home).paths()).toEqual([paths[1]]);
  });
});
