import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeDisk } from '../../../test/support/disk-content.ts';
import { guestAtLogin } from '../../../test/support/fake-engine/guest.ts';
import { qemuImg } from '../../../test/support/qemu-img.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { WorldMachine } from '../../../test/support/world-machine.ts';
import { exportMachine } from '../export/export.ts';
import { importMachine } from './import.ts';

const world = useWorld();

it.each(['web.ova', 'web.ovf', 'web.vmwarevm'])(
  'what was exported as %s is imported with the same sectors',
  async (name) => {
    world().engines.guest = guestAtLogin;
    const demo = world().machine('demo');
    for (const at of [0, 5, 63]) writeDisk(demo.top(), at + 1, at);
    mkdirSync(join(world().home, 'out'));
    const path = join(world().home, 'out', name);
    await exportMachine(world().host, 'demo', { path }, quiet);
    const { machine } = await importMachine(world().host, { path, name: 'again', disks: 'convert' }, quiet);
    expect(machine.problems).toEqual([]);
    const again = new WorldMachine(world().home, 'again');
    const copy = again.file(again.files().find((file) => file.endsWith('.qcow2')) ?? '');
    expect(qemuImg('compare', '-f', 'qcow2', '-F', 'qcow2', demo.top(), copy)).toContain('identical');
  },
);
