import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useWorld } from '../../../test/support/world.ts';
import { show } from '../running/describe.ts';
import { keepAgreements } from './agreements.ts';

const world = useWorld();
const agreed = async () => (await show(world().host, 'demo')).outsideFiles.map((file) => file.agreed);

/** A machine with a CD elsewhere. */
function makeMachine(): void {
  const iso = join(world().home, 'a.iso');
  writeFileSync(iso, 'iso');
  const cd = ['present = "TRUE"', 'deviceType = "cdrom-image"', `fileName = "${iso}"`];
  world().machine('demo', ['sata0.present = "TRUE"', ...cd.map((line) => `sata0:1.${line}`)]);
}

describe('the outside files of machines', () => {
  it('that were used before an update stay agreed to; later ones are asked for', async () => {
    makeMachine();
    const { inventory } = world().host.names;
    writeFileSync(inventory, '{"registered":[],"unregistered":[],"deleting":[]}');
    await keepAgreements(world().host);
    expect(await agreed()).toEqual([true]);
    await world().host.inventory.agree(join(world().home, 'machines/demo.vmwarevm/demo.vmx'), []);
    await keepAgreements(world().host);
    expect([await agreed(), readFileSync(inventory, 'utf8')]).toEqual([
      [false],
      expect.not.stringContaining('never'),
    ]);
  });

  it('are agreed to even if the inventory is written before, or the daemon dies in between', async () => {
    makeMachine();
    const { host } = world();
    writeFileSync(host.names.inventory, '{"registered":[],"unregistered":[],"deleting":[]}');
    await host.inventory.unregister('/no/such.vmx');
    await host.inventory.register('/another.vmx');
    await host.inventory.agree('/another.vmx', []);
    await keepAgreements(host);
    expect(await agreed()).toEqual([true]);
  });

  it('are asked for in a home without an inventory', async () => {
    makeMachine();
    await keepAgreements(world().host);
    expect(await agreed()).toEqual([false]);
  });
});
