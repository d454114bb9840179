import { describe, expect, it } from 'vitest';
import { newNic } from './defaults.ts';
import { networkOf } from './network.ts';

const nic = newNic({ index: 0, model: 'virtio-net', mac: '00:0c:29:00:00:01', macType: 'generated' });

describe('networkOf', () => {
  it.each([
    [{ connection: 'nat' }, { name: 'vmnet8' }],
    [{ connection: 'hostonly' }, { name: 'vmnet1' }],
    [{ connection: 'bridged' }, { name: 'vmnet0' }],
    [{ connection: 'custom', vnet: 'VMnet5' }, { name: 'vmnet5' }],
    [{ connection: 'custom', vnet: '/dev/vmnet5' }, { name: 'vmnet5' }],
    [{ connection: 'custom' }, undefined],
    [{ connection: 'pvn', segment: '52 C1-00' }, { segment: '52 c1-00' }],
    [{ connection: 'pvn' }, undefined],
    [{ connection: 'unknown', connectionText: 'remote' }, undefined],
  ] as const)('of %j is %j', (change, network) => {
    expect(networkOf({ ...nic, ...change })).toEqual(network);
  });
});
