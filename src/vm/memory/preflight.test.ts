import { expect, it } from 'vitest';
import { diskMachine } from '../../../test/support/disk-machine.ts';
import { useTemporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { maxLayers, type Layer } from '../../disk/chain.ts';
import { refuseDeepChains, refuseIndependentDisks } from './preflight.ts';

const directory = useTemporaryDirectory();

it('refuses memory with independent disks, naming them and saying what to do', async () => {
  const { host, vmx } = diskMachine(directory(), ['nvme0:0.mode = "independent-persistent"']);
  const bundle = await host.bundles.read(vmx);
  expect(() => refuseIndependentDisks(bundle)).toThrow(
    expect.objectContaining({
      code: 'CHECKPOINT_BLOCKED',
      message: expect.stringMatching(
        /^Cannot save the memory of demo: it has independent disks.*: nvme0:0\.$/,
      ) as string,
      next: expect.stringContaining('kame set demo nvme0:0.mode=persistent') as string,
    }) as Error,
  );
});

it('accepts all others', async () => {
  const { host, vmx } = diskMachine(directory());
  const bundle = await host.bundles.read(vmx);
  expect(() => refuseIndependentDisks(bundle)).not.toThrow();
});

/** A disk of so many layers. */
function disk(depth: number): Layer {
  const layer: Layer = {
    path: `/machines/demo/${depth}.qcow2`,
    format: 'qcow2',
    virtualSize: 512,
    allocatedBytes: 0,
    links: 1,
    corrupt: false,
    backingName: null,
  };
  return depth === 1 ? layer : { ...layer, backing: disk(depth - 1) };
}

it('refuses one more layer where a revert could no longer add its own', async () => {
  const { host, vmx } = diskMachine(directory());
  const bundle = await host.bundles.read(vmx);
  const chains = (depth: number) => new Map([['nvme0:0', disk(depth)]]);
  expect(() => refuseDeepChains(bundle, chains(maxLayers - 2))).not.toThrow();
  expect(() => refuseDeepChains(bundle, chains(maxLayers - 1))).toThrow(
    expect.objectContaining({
      code: 'CHECKPOINT_BLOCKED',
      message: expect.stringContaining('nvme0:0 of demo already has 255 layers') as string,
      next: expect.stringContaining('kame snapshot delete demo') as string,
    }) as Error,
  );
});
