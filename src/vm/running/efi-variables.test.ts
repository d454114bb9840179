import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cloneBody, revertBody, stopBody, takeBody } from '../../../test/support/bodies.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { clone } from '../clone/clone.ts';
import { planStart } from '../power/start.ts';
import { stop } from '../power/stop.ts';
import { revertSnapshot } from '../snapshot/revert.ts';
import { takeSnapshot } from '../snapshot/snapshots.ts';
import { show } from './describe.ts';

const world = useWorld();
/** The start of a file of VMware, of the size that Fusion writes. */
const vmwares = Buffer.concat([Buffer.from('MRVN\u0001\0\0\0'), Buffer.alloc(270_832, 255)]);

/** A machine of VMware with EFI. */
function foreign(): WorldMachine {
  const demo = world().machine('demo', ['nvram = "demo.nvram"', 'kame.boot.kernel = ""']);
  writeFileSync(demo.file('demo.nvram'), vmwares);
  return demo;
}

const plan = async () => await planStart(world().host, 'demo', quiet.signal);
const warnings = async () =>
  (await show(world().host, 'demo')).problems.map(({ key, message }) => `${key}: ${message}`);

describe('a machine with VMware’s nvram', () => {
  it('is shown with a warning until it has EFI variables of its own', async () => {
    const demo = foreign();
    expect(await warnings()).toEqual([
      `nvram: ${demo.file('demo.nvram')} is VMware’s and stays as it is. The next start makes new EFI variables for the guest, without the boot entries and keys of the old ones.`,
    ]);
    await world().start();
    expect(await warnings()).toEqual([]);
  });

  it('gets a file of its own at the start, with one note, and VMware’s is never opened', async () => {
    const demo = foreign();
    const before = demo.read('demo.vmx');
    const { notes, args } = await plan();
    expect(notes.filter((note) => note.includes('nvram'))).toEqual([
      'The EFI variables of the guest are in demo-efi.nvram. VMware’s demo.nvram stays as it is; the boot entries and keys in it do not apply.',
    ]);
    expect(args.join('\n')).toContain(`"filename":"${demo.file('demo-efi.nvram')}"`);
    expect(args.join('\n')).not.toContain(demo.file('demo.nvram'));
    // A dry run changes nothing.
    expect([demo.read('demo.vmx'), demo.files().includes('demo-efi.nvram')]).toEqual([before, false]);
    await world().start();
    expect(demo.read('demo.vmx')).toContain('nvram = "demo.nvram"\n');
    expect(demo.read('demo.vmx')).toContain('kame.nvram = "demo-efi.nvram"\n');
    expect(readFileSync(demo.file('demo.nvram')).equals(vmwares)).toBe(true);
    expect(demo.files()).toContain('demo-efi.nvram');
  });

  it('keeps the file at the next start, and a clone has only that', async () => {
    const demo = foreign();
    await world().start();
    await stop(world().host, 'demo', stopBody({ hard: true }), quiet);
    writeFileSync(demo.file('demo-efi.nvram'), 'variables');
    expect((await plan()).args.join('\n')).toContain(demo.file('demo-efi.nvram'));
    await clone(world().host, 'demo', cloneBody({ name: 'copy', kind: 'full', wait: 'none' }), quiet);
    const copy = new WorldMachine(world().home, 'copy');
    expect(copy.read('copy.nvram')).toBe('variables');
    expect(copy.read('copy.vmx')).toContain('nvram = "copy.nvram"\n');
    expect(copy.read('copy.vmx')).not.toContain('kame.nvram');
    expect(copy.files().filter((name) => name.endsWith('.nvram'))).toEqual(['copy.nvram']);
  });

  it('does not get a name that is a link, or that VMware has written too', async () => {
    const demo = foreign();
    symlinkSync('/etc/passwd', demo.file('demo-efi.nvram'));
    writeFileSync(demo.file('demo-efi2.nvram'), vmwares);
    expect((await plan()).args.join('\n')).toContain(demo.file('demo-efi3.nvram'));
  });

  it('with a BIOS, or that boots a kernel, needs none', async () => {
    const demo = world().machine('demo', ['nvram = "demo.nvram"']);
    writeFileSync(demo.file('demo.nvram'), vmwares);
    expect((await plan()).args.join('\n')).not.toContain('nvram');
    expect(await warnings()).toEqual([]);
  });
});

describe('a revert', () => {
  const take = async () => await takeSnapshot(world().host, 'demo', takeBody({ label: 'old' }), quiet);
  const revert = async () => await revertSnapshot(world().host, 'demo', 'old', revertBody(), quiet);
  /** Has the guest write to its EFI variables. */
  const write = async (path: string) => {
    await world().start();
    await stop(world().host, 'demo', stopBody({ hard: true }), quiet);
    writeFileSync(path, 'of the guest');
  };

  it('to a snapshot from before the first start leaves no variables behind', async () => {
    const demo = world().machine('demo', ['kame.boot.kernel = ""']);
    await take();
    await write(demo.file('demo.nvram'));
    await revert();
    expect(demo.files()).not.toContain('demo.nvram');
    await world().start();
    expect(demo.read('demo.nvram')).not.toBe('of the guest');
  });

  it('of a machine of VMware to a snapshot from before the first start does so too, and leaves VMware’s', async () => {
    const demo = foreign();
    await take();
    await write(demo.file('demo-efi.nvram'));
    await revert();
    expect(demo.files()).not.toContain('demo-efi.nvram');
    expect(readFileSync(demo.file('demo.nvram')).equals(vmwares)).toBe(true);
  });

  it('to a later snapshot brings its variables back', async () => {
    const demo = foreign();
    await write(demo.file('demo-efi.nvram'));
    await take();
    writeFileSync(demo.file('demo-efi.nvram'), 'later');
    await revert();
    expect(demo.read('demo-efi.nvram')).toBe('of the guest');
    rmSync(demo.file('demo-efi.nvram'));
    await revert();
    expect(demo.read('demo-efi.nvram')).toBe('of the guest');
  });
});
