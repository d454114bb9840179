import { describe, expect, it } from 'vitest';
import { startBody } from '../../../test/support/bodies.ts';
import { quiet, useWorld } from '../../../test/support/world.ts';
import { findBundle } from '../host/find.ts';
import { start } from '../power/start.ts';
import { suspend } from '../power/suspend.ts';

const world = useWorld();
const resume = async () => (await start(world().host, 'demo', startBody({ wait: 'none' }), quiet)).notes;

/** Gives the adapter of the machine an address, as its network does when it runs. */
async function give(address: string): Promise<void> {
  const { content } = await findBundle(world().host, 'demo');
  const mac = content?.model.nics[0]?.mac ?? '';
  const subnet = address.replace(/\.\d+$/, '.0/24');
  await world().host.networkStore.change('vmnet8', (network) => ({
    network: { ...network, subnet, addresses: { [mac]: address } },
    result: null,
  }));
}

describe('a machine that is resumed', () => {
  it('says that its guest has another address if the network gives it a new one', async () => {
    world().machine();
    await world().start();
    await give('10.99.1.130');
    await suspend(world().host, 'demo', quiet);
    await give('10.99.2.131');
    expect(await resume()).toEqual([
      expect.stringMatching(/saved when ethernet0 had the address 10\.99\.1\.130, .* has 10\.99\.2\.131/),
    ]);
  });

  it('says nothing if it has the same one', async () => {
    world().machine();
    await world().start();
    await give('10.99.1.130');
    await suspend(world().host, 'demo', quiet);
    expect(await resume()).toEqual([]);
  });
});
