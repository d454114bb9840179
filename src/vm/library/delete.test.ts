import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elsewhere, namesIn, registerLoose } from '../../../test/support/library.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { refused } from '../../../test/support/refused.ts';
import { useWorld } from '../../../test/support/world.ts';
import { remove } from './delete.ts';
import { register } from './register.ts';

const world = useWorld();

describe('delete', () => {
  it('removes a stopped machine with all its files', async () => {
    const demo = world().machine();
    await world().start();
    expect((await refused(remove(world().host, 'demo'))).code).toBe('WRONG_STATE');
    await world().engines.of('demo').crash();
    await expect.poll(() => world().host.running.size).toBe(0);
    await remove(world().host, 'demo');
    expect([await namesIn(world()), existsSync(demo.directory)]).toEqual([[], false]);
  });

  it('removes a broken machine, and one whose directory is gone', async () => {
    const demo = world().machine();
    writeFileSync(demo.vmx, 'a line that makes no sense\n');
    await remove(world().host, 'demo');
    expect(existsSync(demo.directory)).toBe(false);
    const vmx = elsewhere(world(), 'far');
    await register(world().host, { path: vmx });
    rmSync(join(world().home, 'far'), { recursive: true });
    await remove(world().host, vmx);
    expect(await namesIn(world())).toEqual([]);
  });

  it('leaves other files beside a machine without a bundle', async () => {
    const vmx = elsewhere(world(), 'far', false);
    const note = join(world().home, 'far/note.txt');
    writeFileSync(note, 'mine');
    await registerLoose(world(), vmx);
    await remove(world().host, 'far');
    expect(readdirSync(join(world().home, 'far'))).toEqual(['initrd', 'kernel', 'note.txt']);
  });

  it('deletes the extents of a VMDK too, but no file that only a descriptor names', async () => {
    const vmx = elsewhere(world(), 'far', false);
    const far = join(world().home, 'far');
    qemuImg('create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', join(far, 'a.vmdk'), '1M');
    const descriptor = readFileSync(join(far, 'a.vmdk'), 'utf8');
    const lines = 'RW 8 FLAT "note.txt" 0\nRW 8 FLAT "a-flat.vmdk" 0';
    writeFileSync(join(far, 'a.vmdk'), descriptor.replace(/^RW .*$/m, lines));
    writeFileSync(join(far, 'note.txt'), 'mine');
    writeFileSync(join(far, 'far.operation.json'), '{"kind":"tidy","paused":false}');
    writeFileSync(vmx, readFileSync(vmx, 'utf8').replace('disk0.qcow2', 'a.vmdk'));
    await registerLoose(world(), vmx);
    await remove(world().host, 'far');
    expect(readdirSync(far)).toEqual(['disk0.qcow2', 'far.operation.json', 'initrd', 'kernel', 'note.txt']);
  });

  it.each([
    ['kame.nvram = "far-efi.nvram"\nnvram = "far.nvram"', ['far.nvram']],
    ['nvram = "far.nvram"', ['far-efi.nvram']],
    ['nvram = "other/far.nvram"', ['far-efi.nvram', 'far.nvram']],
  ])('of a machine without a bundle with %j removes only its own EFI variables', async (lines, kept) => {
    const vmx = elsewhere(world(), 'far', false);
    const far = join(world().home, 'far');
    writeFileSync(vmx, `${readFileSync(vmx, 'utf8')}${lines}\n`);
    mkdirSync(join(far, 'other'));
    for (const name of ['far.nvram', 'far-efi.nvram', 'other/far.nvram']) writeFileSync(join(far, name), 'x');
    await registerLoose(world(), vmx);
    await remove(world().host, 'far');
    const left = readdirSync(far, { recursive: true }).map(String);
    expect(left.filter((name) => name.endsWith('.nvram')).sort()).toEqual([...kept, 'other/far.nvram']);
  });
});
